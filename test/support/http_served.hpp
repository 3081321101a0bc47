// http_served: a server of the test's own on loopback, and raw clients of it.
#pragma once

#include <gossamer/context.hpp>
#include <gossamer/http/server.hpp>
#include <gossamer/io.hpp>
#include <gossamer/net.hpp>

#include <chrono>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "fiber_test.hpp"
#include "net_pair.hpp"

namespace support {

// Serves until it goes; then no connection is left. What it logs is kept.
class served {
 public:
  explicit served(gossamer::http::handler h) {
    srv.handler = std::move(h);
    srv.error_log = [this](std::string_view line) {
      const std::lock_guard hold(lock_);
      log_ += std::string(line) + '\n';
    };
  }
  served(const served&) = delete;
  served& operator=(const served&) = delete;
  ~served() { stop(); }

  // The fields of srv are set before.
  void start() {
    fiber_.go([this] { CHECK(srv.serve(place_.l) == gossamer::http::server_closed); });
  }
  void stop() {
    auto [ctx, cancel] = gossamer::context::with_timeout(gossamer::context::background(), patience);
    CHECK(srv.shutdown(ctx) == gossamer::nil);
    cancel();
    fiber_.join();
  }
  std::string place() const { return place_.place(); }
  std::string log() {
    const std::lock_guard hold(lock_);
    return log_;
  }
  gossamer::net::conn dial() const {
    auto [c, err] = gossamer::net::dial("tcp", place());
    CHECK(err == gossamer::nil);
    return c;
  }

  gossamer::http::server srv;

 private:
  bound_listener place_;
  std::string log_;
  gossamer::sync::mutex lock_;
  crew fiber_;
};

// All that comes until the connection ends, or none comes for so long.
inline std::string read_to_end(const gossamer::net::conn& c) {
  c.set_read_deadline(std::chrono::steady_clock::now() + patience);
  std::string text = gossamer::io::read_all(c).first;
  return text;
}

// What the server sends to who has sent this; `Connection: close`, or whatever ends the connection, is up to the
// caller.
inline std::string ask(const served& s, std::string_view text) {
  const gossamer::net::conn c = s.dial();
  static_cast<void>(c.write(text));
  std::string answer = read_to_end(c);
  c.close();
  return answer;
}

// Without its Date, which is another each time.
inline std::string without_date(std::string answer) {
  for (std::size_t at = 0; (at = answer.find("Date: ", at)) != std::string::npos;) {
    answer.erase(at, answer.find("\r\n", at) + 2 - at);
  }
  return answer;
}

}  // namespace support
