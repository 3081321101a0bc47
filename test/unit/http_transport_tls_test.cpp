// A transport over TLS: who is trusted, what is kept, and what it is told where something is cut.
#include <gossamer/http/client_trace.hpp>
#include <gossamer/http/server.hpp>
#include <gossamer/http/test.hpp>
#include <gossamer/http/transport.hpp>
#include <gossamer/io.hpp>
#include <gossamer/tls.hpp>

#include <atomic>
#include <string>
#include <string_view>
#include <utility>

#include "fiber_test.hpp"
#include "http_transported.hpp"
#include "tls_certs.hpp"

using namespace gossamer;
using namespace std::chrono_literals;
using support::answer;
using support::eventually;
using support::read_head;
using support::request_to;
using support::scripted;
using support::text_of;

namespace {

void hello(http::response_writer& w, http::request& r) { w.write("hello over " + std::string(r.tls ? "TLS" : "TCP")); }

// Over TCP, or in memory.
class tls_served {
 public:
  explicit tls_served(http::handler h, bool in_memory) : in_memory_(in_memory) {
    srv_.handler = std::move(h);
    srv_.error_log = [](std::string_view) {};
    fiber_.go([this] {
      CHECK(srv_.serve(tls::new_listener(in_memory_ ? net_.listener() : place_.l, support::server_config())) ==
            http::server_closed);
    });
  }
  tls_served(const tls_served&) = delete;
  tls_served& operator=(const tls_served&) = delete;
  ~tls_served() { srv_.close(); }
  http::dial_function dial() {
    return [this](const net::ending& end, std::string_view, std::string_view) {
      ++dials;
      return in_memory_ ? net_.dial() : net::dial_context(end, "tcp", place_.place());
    };
  }
  std::atomic<int> dials = 0;

 private:
  const bool in_memory_;
  http::test::network net_;
  support::bound_listener place_;
  http::server srv_;
  support::crew fiber_;
};

// The other side of what is said: after the handshake, without a close_notify behind it.
std::string said(std::string_view what) {
  scripted s([what](const net::conn& below, int) {
    const net::conn c = tls::server(below, support::server_config());
    if (read_head(c).empty()) {
      return;
    }
    c.write(what);
    below.close();
  });
  http::transport t;
  t.dial_context = s.dial();
  t.tls_client_config = support::client_config();
  return text_of(t.round_trip(request_to("https://example.com/")));
}

// A proxy that is the server behind its tunnel as well; over TLS itself, if it is asked so.
void tunnels(const net::conn& from, bool over_tls) {
  const net::conn c = over_tls ? tls::server(from, support::server_config()) : from;
  if (!read_head(c).starts_with("CONNECT example.com:443 HTTP/1.1\r\n")) {
    return;
  }
  c.write("HTTP/1.1 200 Connection established\r\n\r\n");
  const net::conn within = tls::server(c, support::server_config());
  for (std::string head = read_head(within); !head.empty(); head = read_head(within)) {
    within.write(answer(head.substr(0, head.find('\r'))));
  }
}

}  // namespace

FIBER_TEST("http transport tls: through the tunnel of a proxy, in the clear and over TLS") {
  for (const bool over_tls : {false, true}) {
    scripted s([over_tls](const net::conn& c, int) { tunnels(c, over_tls); });
    http::transport t;
    t.dial_context = s.dial();
    t.tls_client_config = support::client_config();
    t.proxy = http::proxy_url(http::parse_url(over_tls ? "https://example.com:3128" : "http://proxy:3128").first);
    CHECK(text_of(t.round_trip(request_to("https://example.com/a"))) == "GET /a HTTP/1.1");
    const auto [res, err] = t.round_trip(request_to("https://example.com/b"));
    CHECK(err == nil);
    CHECK((res.tls && res.tls->handshake_complete));
    CHECK(io::read_all(res.body).first == "GET /b HTTP/1.1");
    CHECK(s.accepted() == 1);
  }
}

FIBER_TEST("http transport tls: one connection that is kept") {
  for (const bool in_memory : {false, true}) {
    tls_served s(hello, in_memory);
    http::transport t;
    t.dial_context = s.dial();
    auto config = std::make_shared<tls::config>();
    config->root_cas = support::trusting(support::root());
    t.tls_client_config = config;
    t.tls_handshake_timeout = support::patience;
    for (int i = 0; i < 5; i++) {
      auto [got, err] = t.round_trip(request_to("https://example.com/"));
      CHECK(err == nil);
      CHECK(got.tls != nullptr);
      CHECK((got.tls && got.tls->handshake_complete && got.tls->server_name == "example.com"));
      CHECK(text_of({got, err}) == "hello over TLS");
    }
    CHECK(s.dials == 1);
    CHECK(text_of(t.round_trip(request_to("https://example.org/"))) ==
          "error: tls: failed to verify certificate: x509: certificate is valid for example.com, not example.org");
  }
}

FIBER_TEST("http transport tls: a connection of one's own") {
  tls_served s(hello, true);
  http::transport t;
  t.dial_tls_context = [&, dial = s.dial()](const net::ending& end, std::string_view network,
                                            std::string_view address) -> std::pair<net::conn, error> {
    auto [c, err] = dial(end, network, address);
    return {tls::client(c, support::client_config()), err};
  };
  auto [got, err] = t.round_trip(request_to("https://example.com/"));
  CHECK(got.tls != nullptr);
  CHECK(text_of({got, err}) == "hello over TLS");
}

FIBER_TEST("http transport tls: a server that does not speak it, and one that says nothing") {
  http::test::server plain(hello);
  http::transport t;
  t.dial_context = [&](const net::ending&, std::string_view, std::string_view) {
    return std::pair(plain.dial(), error());
  };
  CHECK(t.round_trip(request_to("https://example.com/")).second == http::scheme_mismatch);

  scripted silent([](const net::conn& c, int) {
    char byte[512];
    while (!c.read(byte).second) {
    }
  });
  http::transport impatient;
  impatient.dial_context = silent.dial();
  impatient.tls_handshake_timeout = 20ms;
  const error err = impatient.round_trip(request_to("https://example.com/")).second;
  CHECK(err.text() == "net/http: TLS handshake timeout");
  CHECK(err.timeout());
}

FIBER_TEST("http transport tls: what is cut") {
  CHECK(said(answer("whole")) == "whole");
  CHECK(said("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf") == "half error: unexpected EOF");
  CHECK(said("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha") == "ha error: unexpected EOF");
  CHECK(said("") == "error: EOF");
}

FIBER_TEST("http transport tls: a kept connection that the server has ended") {
  scripted s([](const net::conn& below, int) {
    const net::conn c = tls::server(below, support::server_config());
    if (!read_head(c).empty()) {
      c.write(answer("one"));
    }
    c.close();
  });
  http::transport t;
  t.dial_context = s.dial();
  t.tls_client_config = support::client_config();
  for (int i = 0; i < 3; i++) {
    CHECK(text_of(t.round_trip(request_to("https://example.com/"))) == "one");
  }
}

// The answer fills a record, and what nobody has asked for comes with it in one piece.
FIBER_TEST("http transport tls: an answer that is left over is not the next one's") {
  const std::string body(16384 - answer("").size() - 4, 'a');
  const std::string record = answer(body);
  CHECK(record.size() == 16384);
  scripted s([&](const net::conn& below, int) {
    const net::conn c = tls::server(below, support::server_config());
    while (!read_head(c).empty()) {
      c.write(record + answer("evil"));
    }
  });
  http::transport t;
  t.dial_context = s.dial();
  t.tls_client_config = support::client_config();
  for (int i = 0; i < 3; i++) {
    CHECK((text_of(t.round_trip(request_to("https://example.com/"))) == body));
  }
  CHECK(s.accepted() == 3);
}
