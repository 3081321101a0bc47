// chunk_faults: what is wrong with a chunked body, and how much of one may be no data. Texts: Go's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gossamer/errors.hpp"

namespace gossamer::inline v0::http {

// Of a line that says how long a chunk is, and of all trailers.
inline constexpr std::size_t longest_chunk_line = 4096;
// How many bytes around a body's chunks are let through beyond what decent peers need.
inline constexpr std::uint64_t spare_overhead = 16 * 1024;

extern const errors::sentinel too_much_overhead;

// The shortest last chunk has five bytes: Beast is shown one when they are there.
bool may_be_short_last_chunk(std::string_view unread) noexcept;

// Of a line, or trailers, of which the end has not come yet: nil if it still can. `behind_data`: the end of a chunk's
// data stands before it.
gossamer::error fault_of_unfinished(std::string_view unread, bool behind_data);

// Where the connection ends instead of going on: io::unexpected_eof, or what Go says of trailers.
gossamer::error fault_of_end(std::string_view unread);

// Why the line that begins here is refused.
gossamer::error fault_of_chunk(std::string_view unread, bool behind_data);

}  // namespace gossamer::inline v0::http
