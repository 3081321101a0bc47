// stream_socket: a connection over TCP or a unix socket; of unixpacket each write is a message.
#pragma once

#include "net/socket.hpp"

#include <chrono>

namespace gossamer::inline v0::net {

class stream_socket final : public over_socket<conn_interface> {
 public:
  using over_socket::over_socket;

  io_result read(std::span<std::byte> to, const ending& end, std::source_location where) override;
  io_result write(buffer from, const ending& end, std::source_location where) override;
  io_result writev(std::span<const buffer> from, const ending& end, std::source_location where) override;
  error close() override { return socket_.close(); }
  error close_read() override;
  error close_write() override;

 private:
  io_result write_message(std::span<const buffer> from, const ending& end, const std::source_location& where);
};

// Where the kernel has no memory for what is to be sent, time passes before it is asked again, and at last it is given
// up: Source: none of Go's, which fails at once.
class shortage {
 public:
  static bool is(ssize_t result) noexcept { return result == -ENOBUFS || result == -ENOMEM; }
  // False: it has lasted for too long.
  bool may_pass() const noexcept { return pause_ <= longest; }
  detail::deadline next() noexcept {
    const detail::deadline until = detail::after(detail::now(), std::chrono::nanoseconds(pause_));
    pause_ *= 2;
    return until;
  }

 private:
  static constexpr detail::deadline longest = 128'000'000;
  detail::deadline pause_ = 1'000'000;
};

}  // namespace gossamer::inline v0::net
