// stream_socket: a connection over TCP or a unix socket; of unixpacket each write is a message.
#pragma once

#include "net/socket.hpp"

namespace gossamer::inline v0::net {

class stream_socket final : public over_socket<conn_interface> {
 public:
  using over_socket::over_socket;

  io_result read(std::span<std::byte> to, const ending& end, std::source_location where) override;
  io_result write(buffer from, const ending& end, std::source_location where) override;
  io_result writev(std::span<const buffer> from, const ending& end, std::source_location where) override;
  msg_written write_msg(buffer from, buffer control, const addr& to, const ending& end,
                        std::source_location where) override;
  error close() override { return socket_.close(); }
  error close_read() override;
  error close_write() override;

 private:
  io_result write_message(std::span<const buffer> from, const ending& end, const std::source_location& where);
};

}  // namespace gossamer::inline v0::net
