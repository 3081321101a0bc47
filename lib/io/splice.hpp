// splice: from one socket, or a file, to a socket, without the bytes coming into this process.
// Source: Go's internal/poll.Splice. Differs: a pipe of its own for each copy, instead of a pool of them.
#pragma once

#include <cstdint>
#include <optional>

#include "gossamer/io.hpp"
#include "net/socket.hpp"

namespace gossamer::inline v0::io {

// What the types that are copied from and to have of their own.
struct own_ways {
  static std::optional<copied> write_to(const reader& from, const writer& to) {
    return from.its_ ? from.its_->write_to(to) : std::nullopt;
  }
  static std::optional<copied> read_from(const writer& to, const reader& from) {
    return to.its_ ? to.its_->read_from(from) : std::nullopt;
  }
  // Calls use(number): see reader_interface::with_file().
  template <class Use>
  static bool with_file(const reader& from, Use use) {
    return from.its_ && from.its_->with_file([](void* to, int number) { (*static_cast<Use*>(to))(number); }, &use);
  }
};

// As a copy through a buffer. None, and nothing is moved, where these two cannot: they are no sockets, the kernel does
// not want to, or there is no pipe to be had.
std::optional<copied> splice_up_to(const writer& to, const reader& from, std::int64_t most);
// Its part where the source is no socket.
std::optional<copied> send_file_up_to(net::socket& to, const reader& from, std::int64_t most);

}  // namespace gossamer::inline v0::io
