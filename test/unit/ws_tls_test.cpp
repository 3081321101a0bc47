// ws: over TLS.
#include <gossamer/http.hpp>
#include <gossamer/ws.hpp>

#include <string>
#include <utility>

#include "http_served.hpp"
#include "http_transported.hpp"
#include "tls_certs.hpp"

using namespace gossamer;
using ws::message_type;
using ws::status_code;

namespace {

void echo(http::response_writer& w, http::request& r) {
  auto [c, err] = ws::accept(w, r, {.compression = ws::compression_mode::context_takeover});
  for (;;) {
    auto [type, message, read_err] = c.read();
    if (read_err || c.write({}, type, message)) {
      return;
    }
  }
}

// Serves over TLS until it goes.
class secure_served {
 public:
  explicit secure_served(http::handler h = echo) {
    srv_.handler = std::move(h);
    srv_.error_log = [](std::string_view) {};
    listener_ = tls::new_listener(place_.l, support::server_config());
    fiber_.go([this] { CHECK(srv_.serve(listener_) == http::server_closed); });
  }
  ~secure_served() {
    srv_.close();
    fiber_.join();
  }
  std::string place() const { return place_.place(); }
  std::string url() const { return "wss://" + place() + "/"; }

 private:
  support::bound_listener place_;
  net::listener listener_;
  http::server srv_;
  support::crew fiber_;
};

}  // namespace

FIBER_TEST("ws tls: messages, pings and the close go through") {
  secure_served s;
  for (const bool own_dial : {false, true}) {
    http::transport t;
    t.tls_client_config = support::client_config("");
    if (own_dial) {
      t.dial_context = [](const net::ending& end, std::string_view network, std::string_view address) {
        return net::dial_context(end, network, address);
      };
    }
    const ws::dial_options how{.http_client = {.transport = &t}, .compression = ws::compression_mode::context_takeover};
    const auto [c, err] = ws::dial(context::background(), s.url(), how);
    CHECK(err == nil);
    for (const std::size_t n : {0, 1, 100, 5000, 30'000}) {
      const std::string sent = support::pattern(n);
      CHECK(c.write({}, message_type::binary, sent) == nil);
      CHECK((std::get<1>(c.read()) == sent));
    }
    support::crew fibers;
    fibers.go([&c = c] { CHECK(ws::close_status(std::get<2>(c.read())) == status_code::going_away); });
    CHECK(c.ping() == nil);
    CHECK(c.close(status_code::going_away) == nil);
  }
}

FIBER_TEST("ws tls: a server that is not trusted") {
  secure_served s;
  http::transport t;
  CHECK(ws::dial(context::background(), s.url(), {.http_client = {.transport = &t}}).second.text() ==
        R"(failed to WebSocket dial: failed to send handshake request: Get "https)" + s.url().substr(3) +
            R"(": tls: failed to verify certificate: x509: certificate signed by unknown authority)");
}

// What was asked for in secret is not told in the clear.
FIBER_TEST("ws tls: a redirect to what is not encrypted") {
  const auto seen = make_chan<std::string>(1);
  support::served open([&seen](http::response_writer& w, http::request& r) {
    seen.send("<" + std::string(r.header.get("Referer")) + ">");
    http::error(w, "", http::status_forbidden);
  });
  open.start();
  secure_served secret([&open](http::response_writer& w, http::request& r) {
    http::redirect(w, r, "ws://" + open.place() + "/", http::status_found);
  });
  http::transport t;
  t.tls_client_config = support::client_config("");
  CHECK(ws::dial(context::background(), secret.url() + "?token=x", {.http_client = {.transport = &t}}).second != nil);
  CHECK(seen.recv() == "<>");
}

FIBER_TEST("ws tls: through the tunnel of a proxy") {
  secure_served s;
  support::scripted proxy([&s](const net::conn& from, int) {
    CHECK(support::read_head(from).starts_with("CONNECT " + s.place() + " HTTP/1.1\r\n"));
    const auto [to, err] = net::dial("tcp", s.place());
    from.write("HTTP/1.1 200 OK\r\n\r\n");
    support::crew fibers;
    fibers.go([&to = to, &from] {
      io::copy(to, from);
      to.close_write();
    });
    io::copy(from, to);
    from.close_write();
    fibers.join();
    to.close();
  });
  http::transport t;
  t.tls_client_config = support::client_config("");
  t.dial_context = proxy.dial();
  t.proxy = http::proxy_url(http::parse_url("http://proxy:3128").first);
  const auto [c, err] = ws::dial(context::background(), s.url(), {.http_client = {.transport = &t}});
  CHECK(err == nil);
  CHECK(c.write({}, message_type::text, "through") == nil);
  CHECK(std::get<1>(c.read()) == "through");
  CHECK(c.close(status_code::normal_closure) == nil);
}
