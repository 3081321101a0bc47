// packet_socket: a socket for datagrams, over UDP or unixgram.
#pragma once

#include <string>

#include "net/socket.hpp"

namespace gossamer::inline v0::net {

class packet_socket final : public packet_interface {
 public:
  // `path`: the socket's file, which is removed with it; or empty.
  explicit packet_socket(const network& net, std::string path = {}) noexcept : socket_(net), path_(std::move(path)) {}
  ~packet_socket() override { close(); }

  net::socket& socket() noexcept { return socket_; }

  io_result read(std::span<std::byte> to, const ending& end, std::source_location where) override;
  io_result write(buffer from, const ending& end, std::source_location where) override;
  std::tuple<std::size_t, addr, error> read_from(std::span<std::byte> to, const ending& end,
                                                 std::source_location where) override;
  io_result write_to(buffer from, const addr& to, const ending& end, std::source_location where) override;
  error close() override;
  error set_deadline(direction which, time_point when) override { return socket_.set_deadline(which, when); }
  addr local_addr() const override { return socket_.local(); }
  addr remote_addr() const override { return socket_.remote(); }
  error set(option which, std::int64_t value) override { return socket_.set(which, value); }
  int native_handle() const override { return socket_.native_handle(); }
  int release() override { return socket_.fd().release(); }

 private:
  ssize_t receive(std::span<std::byte> to, native_addr& from, trouble& t, const ending& end,
                  const std::source_location& where);
  trouble send(buffer from, const native_addr* to, const ending& end, const std::source_location& where);

  net::socket socket_;
  const std::string path_;
};

}  // namespace gossamer::inline v0::net
