// packet_socket: a socket for datagrams, over UDP or unixgram.
#pragma once

#include <cassert>

#include "net/socket.hpp"
#include "net/socket_file.hpp"

namespace gossamer::inline v0::net {

class packet_socket final : public over_socket<packet_interface> {
 public:
  // `bound`: what it was bound to, if that may have a file, which then goes with it.
  explicit packet_socket(const network& net, const addr& bound = nullptr) : over_socket(net), file_(bound) {
    assert(!net.has_listeners());
  }
  ~packet_socket() override { close(); }

  io_result read(std::span<std::byte> to, const ending& end, std::source_location where) override;
  io_result write(buffer from, const ending& end, std::source_location where) override;
  io_result writev(std::span<const buffer> from, const ending& end, std::source_location where) override;
  std::tuple<std::size_t, addr, error> read_from(std::span<std::byte> to, const ending& end,
                                                 std::source_location where) override;
  io_result write_to(buffer from, const addr& to, const ending& end, std::source_location where) override;
  msg_written write_msg(buffer from, buffer control, const addr& to, const ending& end,
                        std::source_location where) override;
  std::pair<std::size_t, error> read_batch(std::span<in_message> to, const ending& end,
                                           std::source_location where) override;
  std::pair<std::size_t, error> write_batch(std::span<const out_message> from, const ending& end,
                                            std::source_location where) override;
  error close() override;
  int release() override;
  void set_unlink_on_close(bool yes) override { file_.set_removed(yes); }

 private:
  // `call`: what a refusal names.
  ssize_t receive(const char* call, std::span<std::byte> to, native_addr& from, trouble& t, const ending& end,
                  const std::source_location& where);
  // Why nothing can be sent there. Source: Go's UDPConn.WriteTo, UnixConn.WriteTo.
  error misfit(const addr& to) const;
  // The same of a message, which may name nobody; else `native` is where to.
  error place(const addr& to, native_addr& native) const;
  trouble send(buffer from, const native_addr* to, const ending& end, const std::source_location& where);

  socket_file file_;
};

}  // namespace gossamer::inline v0::net
