// ws_served: a WebSocket server of the test's own on loopback.
#pragma once

#include <gossamer/http.hpp>
#include <gossamer/ws.hpp>

#include <functional>
#include <string>
#include <utility>

#include "http_served.hpp"

namespace support {

using accepted = std::function<void(const gossamer::ws::conn&)>;

// Accepts each request, and gives the connection to f.
class ws_served : public served {
 public:
  explicit ws_served(accepted f, gossamer::ws::accept_options how = {})
      : served(
            [f = std::move(f), how = std::move(how)](gossamer::http::response_writer& w, gossamer::http::request& r) {
              if (auto [c, err] = gossamer::ws::accept(w, r, how); !err) {
                f(c);
              }
            }) {
    start();
  }
  std::string url() const { return "ws://" + place() + "/"; }
  gossamer::ws::conn dial(const gossamer::ws::dial_options& how = {}) const {
    auto [c, err] = gossamer::ws::dial(gossamer::context::background(), url(), how);
    CHECK(err == gossamer::nil);
    return c;
  }
};

inline void echo_all(const gossamer::ws::conn& c) {
  for (;;) {
    auto [type, message, err] = c.read();
    if (err || c.write({}, type, message)) {
      break;
    }
  }
  c.close_now();
}

}  // namespace support
