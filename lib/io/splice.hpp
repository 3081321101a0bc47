// splice: from one socket to another, without the bytes coming into this process.
// Source: Go's internal/poll.Splice. Differs: a pipe of its own for each copy, instead of a pool of them.
#pragma once

#include <cstdint>
#include <optional>

#include "gossamer/io.hpp"

namespace gossamer::inline v0::io {

// As a copy through a buffer. None, and nothing is moved, where these two cannot: they are no sockets, the kernel does
// not want to, or there is no pipe to be had.
std::optional<copied> splice_up_to(const writer& to, const reader& from, std::int64_t most);

}  // namespace gossamer::inline v0::io
