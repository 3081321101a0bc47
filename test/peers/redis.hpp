// redis: a server on a port of loopback and on a unix socket, with nothing that it would keep.
#pragma once

#include <gossamer/gossamer.hpp>

#include <optional>
#include <string>

#include "fiber_test.hpp"
#include "peer.hpp"

namespace peers {

class redis_server {
 public:
  redis_server() { start(); }
  void start() {
    its_.emplace("redis-server", "--bind", "127.0.0.1", "--port", port_, "--unixsocket", unix_place(), "--save", "",
                 "--appendonly", "no", "--dir", room_.path(), "--daemonize", "no");
    CHECK(its_->serves("tcp", place()));
    CHECK(its_->serves("unix", unix_place()));
  }
  void kill() { its_->kill(); }
  const std::string& port() const noexcept { return port_; }
  std::string place() const { return "127.0.0.1:" + port_; }
  std::string unix_place() const { return room_ / "socket"; }

 private:
  folder room_;
  std::string port_ = free_port();
  std::optional<peer> its_;
};

}  // namespace peers
