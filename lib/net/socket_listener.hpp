// socket_listener: a socket that accepts connections.
#pragma once

#include <chrono>

#include "net/socket.hpp"
#include "net/socket_file.hpp"

namespace gossamer::inline v0::net {

class socket_listener final : public listener_interface {
 public:
  // `bound`: what it was bound to, if that may have a file, which then goes with it.
  explicit socket_listener(const network& net, const net::addr& bound = nullptr) : socket_(net), file_(bound) {}
  ~socket_listener() override { close(); }

  // Sets what the connections inherit, and takes over the number, which listens. The latter two are
  // net::keep_alive()'s.
  trouble open(raw_socket& from, const keep_alive_config& config, std::chrono::nanoseconds period);

  std::pair<conn, error> accept(const ending& end, std::source_location where) override;
  error close() override;
  error set_deadline(time_point when) override { return socket_.set_deadline(direction::read, when); }
  net::addr addr() const override { return socket_.local(); }
  int native_handle() const override { return socket_.native_handle(); }
  int release() override {
    file_.set_removed(false);
    return socket_.fd().release();
  }
  std::pair<int, error> duplicate() const override { return socket_.duplicate(); }
  void set_unlink_on_close(bool yes) override { file_.set_removed(yes); }

 private:
  trouble accept_one(int& number, native_addr& from, const ending& end, const std::source_location& where);
  net::addr local_of(int number) const;

  net::socket socket_;
  socket_file file_;
  // Of whoever has taken the way in.
  std::chrono::nanoseconds pause_{};
};

}  // namespace gossamer::inline v0::net
