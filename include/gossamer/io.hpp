// io: reading and writing, whatever it is that is read from or written to.
// Source: Go's package io. Differs: text and bytes that are returned are std::string; readers that never return
// anything are given up everywhere, with io::no_progress.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detail/bytes.hpp"
#include "detail/config.hpp"
#include "error.hpp"
#include "io/buffered.hpp"    // IWYU pragma: export
#include "io/interfaces.hpp"  // IWYU pragma: export
#include "io/memory.hpp"      // IWYU pragma: export
#include "io/pipe.hpp"        // IWYU pragma: export
#include "io/scanner.hpp"     // IWYU pragma: export
#include "io/section.hpp"     // IWYU pragma: export
#include "io/stream.hpp"      // IWYU pragma: export
#include "io/wait.hpp"        // IWYU pragma: export
#include "io_errors.hpp"      // IWYU pragma: export

namespace gossamer::inline v0::io {

// A buffer is too small for what is to be read at least.
GOSSAMER_API extern const errors::sentinel short_buffer;  // short buffer
// A write has claimed to have written more than it was given.
GOSSAMER_API extern const errors::sentinel invalid_write;  // invalid write result

// All until the end, which is no error; with another error what was read before it.
GOSSAMER_API std::pair<std::string, error> read_all(const reader& from);

GOSSAMER_API result read_at_least_bytes(const reader& from, std::span<std::byte> to, std::size_t least);

// Reads until there are `least` bytes, or more, in `to`. Fewer only with an error: io::eof if there is nothing at all,
// io::unexpected_eof if the end comes in between; io::short_buffer, and nothing is read, if there is no room for them.
template <detail::writable_bytes R>
result read_at_least(const reader& from, R&& to, std::size_t least) {
  return read_at_least_bytes(from, std::as_writable_bytes(std::span(to)), least);
}
// The same until `to` is full.
template <detail::writable_bytes R>
result read_full(const reader& from, R&& to) {
  const auto room = std::as_writable_bytes(std::span(to));
  return read_at_least_bytes(from, room, room.size());
}

// Until the end of what is read, which is no error, or an error of either side. By from's write_to(), or else to's
// read_from(), where a type of one's own has one (see writer_to); to a net::conn over a stream, from another or from an
// os::file that is a regular one (or from so much of one of them, as limit_reader() and copy_n() have it), within the
// kernel; else through a buffer of 32 KiB.
GOSSAMER_API copied copy(const writer& to, const reader& from);
// Just n bytes (to's read_from() gets a limited_reader): then there is no error, also where the last of them came
// together with one. Fewer only with an error,
// io::eof if the end comes before. Nothing for n <= 0.
GOSSAMER_API copied copy_n(const writer& to, const reader& from, std::int64_t n);

// Reads at most n bytes of it, then io::eof: a limited_reader.
[[nodiscard]] GOSSAMER_API reader limit_reader(reader from, std::int64_t n);
// Writes to `to` all that is read through it, before it returns it. An error of that write is the read's.
[[nodiscard]] GOSSAMER_API reader tee_reader(reader from, writer to);

[[nodiscard]] GOSSAMER_API reader multi_reader(std::vector<reader> all);
[[nodiscard]] GOSSAMER_API writer multi_writer(std::vector<writer> all);
// One behind the other: io::eof once all have returned it.
template <std::convertible_to<reader>... Readers>
[[nodiscard]] reader multi_reader(Readers... all) {
  return multi_reader(std::vector<reader>{reader(std::move(all))...});
}
// Writes to each, in this order; the first error ends it.
template <std::convertible_to<writer>... Writers>
[[nodiscard]] writer multi_writer(Writers... all) {
  return multi_writer(std::vector<writer>{writer(std::move(all))...});
}

// Takes everything, and forgets it.
struct discarding {
  result write(std::span<const std::byte> from) const noexcept { return {from.size(), nullptr}; }
};
inline constexpr discarding discard;

}  // namespace gossamer::inline v0::io
