// local_server: an HTTP server on a free port of this machine, for the samples that are clients. It ends in order.
#pragma once

#include <gossamer/gossamer.hpp>
#include <gossamer/http.hpp>
#include <gossamer/net.hpp>

#include <string>
#include <string_view>
#include <utility>

class local_server {
 public:
  explicit local_server(gossamer::http::handler h) {
    srv_.handler = std::move(h);
    auto [l, err] = gossamer::net::listen("tcp", "127.0.0.1:0");
    if (err) gossamer::panic(err);
    url_ = "http://" + l.addr().text();
    serving_.go([this, l = l] { static_cast<void>(srv_.serve(l)); });
  }
  local_server(const local_server&) = delete;
  local_server& operator=(const local_server&) = delete;
  ~local_server() {
    static_cast<void>(srv_.shutdown(gossamer::context::background()));
    serving_.wait();
  }

  std::string url(std::string_view path) const { return url_ + std::string(path); }

 private:
  gossamer::http::server srv_;
  std::string url_;
  gossamer::sync::wait_group serving_;
};
