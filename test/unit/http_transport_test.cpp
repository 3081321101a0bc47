// A transport and our own server: exchanges, and what becomes of connections. What is told of them: http_trace_test.
#include <gossamer/http/client_trace.hpp>
#include <gossamer/http/test.hpp>
#include <gossamer/http/transport.hpp>
#include <gossamer/io.hpp>

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fiber_test.hpp"
#include "http_served.hpp"
#include "http_transported.hpp"

using namespace gossamer;
using namespace std::chrono_literals;
using place = support::transported;
using support::post_to;
using support::request_to;
using support::text_of;

namespace {

// Method, target, what the body was.
void tell(http::response_writer& w, http::request& r) {
  const auto [body, err] = io::read_all(r.body);
  w.write(r.method + " " + r.request_uri + " " + std::string(body.begin(), body.end()) + (err ? err.text() : ""));
}

void echo(http::response_writer& w, http::request& r) {
  CHECK(http::response_controller(w).enable_full_duplex() == nil);
  const auto [n, err] = io::copy(&w, r.body);
  CHECK(err == nil);
}

}  // namespace

FIBER_TEST("http transport: exchanges go over one connection that is kept") {
  place p(tell);
  for (int i = 0; i < 5; i++) {
    CHECK(p.get("/a?b=" + std::to_string(i)) == "GET /a?b=" + std::to_string(i) + " ");
    CHECK(text_of(p.t.round_trip(post_to("http://example.com/p", "text"))) == "POST /p text");
  }
  CHECK(p.dials == 1);
}

FIBER_TEST("http transport and server: limits may be as long as a duration can be") {
  support::served s(tell);
  s.srv.read_timeout = s.srv.read_header_timeout = s.srv.write_timeout = s.srv.idle_timeout = time::duration::max();
  s.start();
  {
    http::transport t;
    t.tls_handshake_timeout = t.idle_conn_timeout = t.response_header_timeout = t.expect_continue_timeout =
        time::duration::max();
    http::client c{.transport = &t, .timeout = time::duration::max()};
    for (int i = 0; i < 2; i++) {
      CHECK(text_of(c.get("http://" + s.place() + "/a")) == "GET /a ");
      http::request r = post_to("http://" + s.place() + "/p", "text");
      r.header.set("Expect", "100-continue");
      CHECK(text_of(t.round_trip(r)) == "POST /p text");
    }
  }
  s.stop();
  CHECK(s.log() == "");
}

FIBER_TEST("http transport: what an answer tells") {
  place p([](http::response_writer& w, http::request& r) {
    w.header().set("A", "1");
    w.header().add("A", "2");
    w.write_header(r.url.path == "/none" ? 204 : 404);
    if (r.url.path != "/none") {
      w.write("nothing here");
    }
  });
  auto [got, err] = p.t.round_trip(request_to("http://example.com/x"));
  CHECK(err == nil);
  CHECK(got.status == "404 Not Found");
  CHECK(got.status_code == 404);
  CHECK(got.proto == "HTTP/1.1");
  CHECK(got.content_length == 12);
  CHECK(got.header.values("a").size() == 2);
  CHECK(got.tls == nullptr);
  CHECK_FALSE(got.uncompressed);
  got.body.close();
  char byte[1];
  CHECK(got.body.read(byte).second.text() == "http: read on closed response body");
  CHECK(got.body.close() == nil);

  auto [head, head_err] = p.t.round_trip(request_to("http://example.com/x", "HEAD"));
  CHECK(head_err == nil);
  CHECK(head.content_length == 12);
  CHECK(head.body.read(byte) == io::result(0, io::eof));
  auto [none, none_err] = p.t.round_trip(request_to("http://example.com/none"));
  CHECK(none_err == nil);
  CHECK(none.status_code == 204);
  CHECK(none.body.read(byte) == io::result(0, io::eof));
  CHECK(p.dials == 1);
}

FIBER_TEST("http transport: large bodies both ways, and byte for byte") {
  place p(echo);
  const std::string text = support::pattern(static_cast<std::size_t>(support::scale(4 << 20)));
  for (int i = 0; i < 2; i++) {
    CHECK(text_of(p.t.round_trip(post_to("http://example.com/", text))) == text);
  }
  http::request r = request_to("http://example.com/", "PUT");
  auto [reading, writing] = io::pipe();
  r.body = reading;
  support::crew fibers;
  fibers.go([&, to = writing] {
    for (std::size_t at = 0; at < text.size(); at += 50000) {
      CHECK(to.write(std::string_view(text).substr(at, 50000)).second == nil);
    }
    to.close();
  });
  CHECK(text_of(p.t.round_trip(r)) == text);
  CHECK(p.dials == 1);
}

FIBER_TEST("http transport: an answer may be read while its request is still being written") {
  place p([](http::response_writer& w, http::request& r) {
    http::response_controller(w).enable_full_duplex();
    w.flush();
    char piece[64];
    for (;;) {
      const auto [n, err] = r.body.read(piece);
      if (err) {
        break;
      }
      w.write(std::span(piece).first(n));
      w.flush();
    }
  });
  auto [reading, writing] = io::pipe();
  http::request r = request_to("http://example.com/", "POST");
  r.body = reading;
  support::crew fibers;
  chan<void> first = make_chan<void>();
  fibers.go([&, to = writing] {
    CHECK(to.write("one").second == nil);
    first.recv();
    CHECK(to.write("two").second == nil);
    to.close();
  });
  auto [answer, err] = p.t.round_trip(r);
  CHECK(err == nil);
  char three[3];
  CHECK(io::read_full(answer.body, three).second == nil);
  CHECK(std::string_view(three, 3) == "one");
  first.close();
  const auto [rest, rest_err] = io::read_all(answer.body);
  CHECK(rest_err == nil);
  CHECK(std::string(rest.begin(), rest.end()) == "two");
  fibers.join();
  answer.body.close();
  CHECK(p.get("/") == "");
  CHECK(p.dials == 1);
}

FIBER_TEST("http transport: many fibers, and no more connections than are allowed") {
  place p(tell);
  p.t.max_conns_per_host = 10;
  p.t.max_idle_conns_per_host = 10;
  support::crew fibers;
  std::atomic<int> right = 0;
  constexpr int each = 10;
  const int n = support::scale(200);
  for (int i = 0; i < n; i++) {
    fibers.go([&] {
      for (int k = 0; k < each; k++) {
        right += p.get("/x") == "GET /x " ? 1 : 0;
      }
    });
  }
  fibers.join();
  CHECK(right == n * each);
  CHECK(p.dials <= 10);
}

FIBER_TEST("http transport: an answer that is not read to its end") {
  place p([](http::response_writer& w, http::request& r) {
    const std::size_t n = r.url.path == "/small" ? 100000 : 10 << 20;
    w.header().set("Content-Length", std::to_string(n));
    for (std::size_t at = 0; at < n; at += 10000) {
      if (w.write(std::string(std::min<std::size_t>(10000, n - at), 'x')).second) {
        return;
      }
    }
  });
  // A little is read and thrown away, so that the connection may be used again.
  // There is a limit of time, too: once there was a CPU for it.
  CHECK(support::eventually([&] {
    const int before = p.dials;
    for (int i = 0; i < 2; i++) {
      auto [got, err] = p.t.round_trip(request_to("http://example.com/small"));
      CHECK(err == nil);
      got.body.close();
    }
    return p.dials == before;
  }));
  int before = 0;
  {
    auto [got, err] = p.t.round_trip(request_to("http://example.com/large"));
    CHECK(err == nil);
    before = p.dials;
  }  // closed with its last copy
  auto [got, err] = p.t.round_trip(request_to("http://example.com/small"));
  CHECK(err == nil);
  CHECK(p.dials == before + 1);
  got.body.close();
}

FIBER_TEST("http transport: who says that a connection ends") {
  place p([](http::response_writer& w, http::request& r) {
    if (r.url.path == "/close") {
      w.header().set("Connection", "close");
    }
    w.write(r.header.get("Connection"));
  });
  CHECK(p.get("/") == "");
  CHECK(p.get("/close") == "");
  CHECK(p.dials == 1);
  http::request r = request_to("http://example.com/");
  r.close = true;
  CHECK(text_of(p.t.round_trip(r)) == "close");
  CHECK(p.dials == 2);
  CHECK(p.get("/") == "");
  CHECK(p.dials == 3);
  p.t.close_idle_connections();
  CHECK(p.get("/") == "");
  CHECK(p.dials == 4);
}

FIBER_TEST("http transport: without keep-alive each request has a connection of its own") {
  place p([](http::response_writer& w, http::request& r) { w.write(r.header.get("Connection")); });
  p.t.disable_keep_alives = true;
  CHECK(p.get() == "close");
  CHECK(p.get() == "close");
  CHECK(p.dials == 2);
}

FIBER_TEST("http transport: trailers, of both") {
  place p([](http::response_writer& w, http::request& r) {
    const auto [body, err] = io::read_all(r.body);
    w.header().set("Trailer", "Sum");
    w.write("body");
    w.flush();
    w.header().set("Sum", std::string(r.trailer.get("From-Client")) + "!");
  });
  http::request r = post_to("http://example.com/", "text");
  r.content_length = -1;
  r.trailer.set("From-Client", "12");
  auto [got, err] = p.t.round_trip(r);
  CHECK(err == nil);
  CHECK(got.transfer_encoding == "chunked");
  CHECK(got.trailer->has("Sum"));
  CHECK(text_of({got, nullptr}) == "body");
  CHECK(got.trailer->get("Sum") == "12!");
  CHECK(p.get("/") == "body");
  CHECK(p.dials == 1);
}

FIBER_TEST("http transport: trailers that are known when the body has ended") {
  place p([](http::response_writer& w, http::request& r) {
    const auto [body, err] = io::read_all(r.body);
    w.write(std::string(r.trailer.get("Sum")) + " of " + std::to_string(body.size()));
  });
  http::request r = request_to("http://example.com/", "POST");
  r.trailer.set("Sum", "");
  auto [reading, writing] = io::pipe();
  r.body = reading;
  support::crew fibers;
  fibers.go([&r, to = writing] {
    CHECK(to.write(std::string(20000, 'x')).second == nil);
    r.trailer.set("Sum", "all");
    to.close();
  });
  CHECK(text_of(p.t.round_trip(r)) == "all of 20000");
  fibers.join();
  CHECK(text_of(p.t.round_trip(request_to("http://example.com/"))) == " of 0");
  CHECK(p.dials == 1);
}

FIBER_TEST("http transport: a body is sent when it is asked for") {
  std::atomic<bool> reads = true;
  place p([&](http::response_writer& w, http::request& r) {
    if (reads) {
      tell(w, r);
    } else {
      w.write_header(417);
    }
  });
  p.t.expect_continue_timeout = support::patience;
  std::vector<std::string> told;
  http::client_trace trace;
  trace.wait_100_continue = [&] { told.emplace_back("waits"); };
  trace.got_100_continue = [&] { told.emplace_back("100"); };
  http::request r = post_to("http://example.com/", "text");
  r.set_context(http::with_client_trace(context::background(), trace));
  r.header.set("Expect", "100-continue");
  CHECK(text_of(p.t.round_trip(r)) == "POST / text");
  CHECK(told == std::vector<std::string>{"waits", "100"});
  CHECK(p.dials == 1);

  http::request nothing = request_to("http://example.com/");
  nothing.header.set("Expect", "100-continue");
  CHECK(text_of(p.t.round_trip(nothing)) == "GET / ");

  reads = false;
  http::request refused = post_to("http://example.com/", "text");
  refused.header.set("Expect", "100-continue");
  std::atomic<int> wrote = 0;
  http::client_trace of_refused;
  of_refused.wrote_request = [&](const error& err) { wrote += err == nil ? 1 : 100; };
  refused.set_context(http::with_client_trace(context::background(), of_refused));
  auto [got, err] = p.t.round_trip(refused);
  CHECK(err == nil);
  CHECK(got.status_code == 417);
  CHECK(support::eventually([&] { return wrote == 1; }));
  CHECK(text_of({got, nullptr}) == "");
}

FIBER_TEST("http transport: a switch of protocols gives the connection away") {
  place p([](http::response_writer& w, http::request&) {
    auto [c, err] = http::response_controller(w).hijack();
    CHECK(err == nil);
    CHECK(c.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nfirst").second == nil);
    char piece[16];
    const auto [n, read_err] = c.read(piece);
    CHECK(read_err == nil);
    CHECK(c.write(std::span(piece).first(n)).second == nil);
    c.close();
  });
  http::request r = request_to("http://example.com/");
  r.header.set("Connection", "Upgrade");
  r.header.set("Upgrade", "x");
  auto [got, err] = p.t.round_trip(r);
  CHECK(err == nil);
  CHECK(got.status_code == 101);
  net::conn* const c = got.body.as<net::conn>();
  CHECK(c != nullptr);
  if (c != nullptr) {
    CHECK(c->write(" and second").second == nil);
  }
  CHECK(text_of({got, nullptr}) == "first and second");
}

// A server may switch before it has read all of the request: its rest comes before anything of the new protocol.
FIBER_TEST("http transport: a switch of protocols while the request is being sent") {
  for (const bool expects : {false, true}) {
    const auto seen = make_chan<std::string>(1);
    support::scripted s([&](const net::conn& c, int) {
      support::read_head(c);
      c.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
      seen.send(support::read_until(c, "after"));
    });
    http::transport t;
    t.dial_context = s.dial();
    t.expect_continue_timeout = support::patience;
    auto [from, to] = io::pipe();
    http::request r = request_to("http://a/", "POST");
    r.header.set("Connection", "Upgrade");
    r.header.set("Upgrade", "x");
    if (expects) {
      r.header.set("Expect", "100-continue");
    }
    r.body = from;
    support::crew fibers;
    fibers.go([&, own = to] {
      own.write("abc");
      time::sleep(5ms);
      own.write("de");
      own.close();
    });
    const auto [got, err] = t.round_trip(r);
    CHECK(err == nil);
    net::conn* const c = got.body.as<net::conn>();
    CHECK(c != nullptr);
    if (c != nullptr) {
      CHECK(c->write("after").second == nil);
      CHECK(seen.recv() == "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nafter");
      c->close();
    }
    fibers.join();
  }
}

FIBER_TEST("http transport: over TCP") {
  support::served s(tell);
  s.start();
  {
    http::transport t;
    for (int i = 0; i < 3; i++) {
      CHECK(text_of(t.round_trip(request_to("http://" + s.place() + "/x"))) == "GET /x ");
      CHECK(text_of(t.round_trip(post_to("http://" + s.place() + "/p", std::string(100000, 'x')))).size() == 100008);
    }
  }
  http::transport t;
  CHECK(text_of(t.clone()->round_trip(request_to("http://" + s.place() + "/y"))) == "GET /y ");
}

FIBER_TEST("http transport: what is refused before anything is sent") {
  http::transport t;
  CHECK(text_of(t.round_trip(request_to("foo://example.com/"))) == "error: unsupported protocol scheme \"foo\"");
  CHECK(text_of(t.round_trip(request_to("http:///x"))) == "error: http: no Host in request URL");
  CHECK(text_of(t.round_trip(request_to("http://example.com/", "G T"))) == "error: net/http: invalid method \"G T\"");
  const support::bound_listener gone;
  const std::string address = gone.place();
  gone.l.close();
  CHECK(text_of(t.round_trip(request_to("http://" + address))) ==
        "error: dial tcp " + address + ": connect: connection refused");
}
