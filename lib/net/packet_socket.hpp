// packet_socket: a socket for datagrams, over UDP or unixgram.
#pragma once

#include <string>

#include "net/socket.hpp"

namespace gossamer::inline v0::net {

class packet_socket final : public over_socket<packet_interface> {
 public:
  // `path`: the socket's file, which is removed with it; or empty.
  explicit packet_socket(const network& net, std::string path = {}) noexcept
      : over_socket(net), path_(std::move(path)) {}
  ~packet_socket() override { close(); }

  io_result read(std::span<std::byte> to, const ending& end, std::source_location where) override;
  io_result write(buffer from, const ending& end, std::source_location where) override;
  std::tuple<std::size_t, addr, error> read_from(std::span<std::byte> to, const ending& end,
                                                 std::source_location where) override;
  io_result write_to(buffer from, const addr& to, const ending& end, std::source_location where) override;
  error close() override;

 private:
  ssize_t receive(std::span<std::byte> to, native_addr& from, trouble& t, const ending& end,
                  const std::source_location& where);
  trouble send(buffer from, const native_addr* to, const ending& end, const std::source_location& where);

  const std::string path_;
};

}  // namespace gossamer::inline v0::net
