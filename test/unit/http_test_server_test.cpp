// Recorders and made requests; connections and servers in memory.
#include <gossamer/http/test.hpp>
#include <gossamer/io.hpp>
#include <gossamer/tls.hpp>

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fiber_test.hpp"

using namespace gossamer;
namespace test = http::test;

namespace {

std::string panic_of(std::string_view method, std::string_view target) {
  try {
    static_cast<void>(test::new_request(method, target));
  } catch (const panic_error& p) {
    return p.what();
  }
  return "none";
}

// What comes until the connection ends.
std::string ask(const net::conn& c, std::string_view text) {
  CHECK_FALSE(c.write(text).second);
  return io::read_all(c).first;
}

std::string body_of(std::string_view answer) { return std::string(answer.substr(answer.find("\r\n\r\n") + 4)); }

}  // namespace

TEST_CASE("http recorder: what a client would get") {
  test::recorder w;
  w.header().set("Trailer", "A, B, Content-Length");
  w.header().set("X", "1");
  w.write_header(http::status_early_hints);
  w.write_header(http::status_not_found);
  w.write_header(http::status_ok);
  w.header().set("X", "2");
  w.header().set("A", "a");
  w.header().set("Content-Length", "7");
  w.header().add("Trailer:c", "c");
  CHECK(w.write("text").first == 4);
  CHECK_FALSE(w.flushed);
  CHECK_FALSE(w.flush());
  CHECK(w.flushed);
  const test::result r = w.result();
  CHECK(r.status_code == 404);
  CHECK(r.status == "404 Not Found");
  CHECK(r.header.get("X") == "1");
  CHECK(r.body == "text");
  CHECK(r.content_length == -1);
  CHECK(r.trailer.size() == 2);
  CHECK(r.trailer.get("A") == "a");
  CHECK(r.trailer.get("C") == "c");
  CHECK(w.before.size() == 1);
  CHECK(w.before[0].code == 103);
  CHECK(w.before[0].header.get("X") == "1");
}

TEST_CASE("http recorder: the first write says 200, and what it is") {
  test::recorder w;
  CHECK(w.result().status == "200 OK");
  w.header().set("Content-Length", "15");
  w.write("<!DOCTYPE html>");
  CHECK(w.code == 200);
  CHECK(w.result().header.get("Content-Type") == "text/html; charset=utf-8");
  CHECK(w.result().content_length == 15);
  test::recorder none;
  none.write_header(http::status_no_content);
  CHECK(none.write("x").second == http::body_not_allowed);
  CHECK(none.result().header.empty());
  test::recorder bad;
  CHECK_THROWS_WITH(bad.write_header(99), "invalid WriteHeader code 99");
}

TEST_CASE("http new_request: targets and bodies") {
  http::request r = test::new_request("", "/a%20b?c=d", "text");
  CHECK(r.method == "GET");
  CHECK(r.host == "example.com");
  CHECK(r.url.path == "/a b");
  CHECK(r.request_uri == "/a%20b?c=d");
  CHECK(r.remote_addr == "192.0.2.1:1234");
  CHECK(r.content_length == 4);
  CHECK(io::read_all(r.body).first == "text");
  CHECK(test::new_request("GET", "http://h:1/x").host == "h:1");
  CHECK(test::new_request("CONNECT", "h:1").url.host == "h:1");
  io::string_reader stream("streamed");
  http::request s = test::new_request("POST", "/", io::reader(&stream));
  CHECK(s.content_length == -1);
  CHECK(io::read_all(s.body).first == "streamed");
  const context::context ctx = context::with_value(context::background(), 1, 2);
  CHECK(test::new_request_with_context(ctx, "GET", "/").context() == ctx);
  CHECK(panic_of("GET", "x") == "invalid NewRequest arguments; parse \"x\": invalid URI for request");
  CHECK(panic_of("GET", "/x y") == "invalid NewRequest arguments; malformed HTTP version \"y HTTP/1.0\"");
  const http::request secure = test::new_request("GET", "https://a.test/x");
  REQUIRE(secure.tls != nullptr);
  CHECK(secure.tls->version == 0x0303);
  CHECK(secure.tls->handshake_complete);
  CHECK(secure.tls->server_name == "a.test");
  CHECK(test::new_request("GET", "http://a.test/x").tls == nullptr);
  CHECK(panic_of("G T", "/") == "invalid NewRequest arguments; invalid method \"G T\"");
}

FIBER_TEST("http memory pipe: writes do not wait, and end with their connection") {
  auto [a, b] = test::memory_pipe();
  CHECK(a.write("hello").first == 5);
  CHECK(a.write(" world").first == 6);
  std::string room(5, ' ');
  CHECK(b.read(room).first == 5);
  CHECK(room == "hello");
  CHECK(a.remote_addr().text() == "192.0.2.1:80");
  CHECK(b.local_addr() == a.remote_addr());
  CHECK(a.close() == nil);
  CHECK(a.close().text() == "close tcp 192.0.2.1:1234->192.0.2.1:80: use of closed network connection");
  CHECK(errors::is(a.read(room).second, net::closed));
  CHECK(io::read_all(b) == std::pair(std::string(" world"), gossamer::error()));
  CHECK(b.write("x").second.text() == "write tcp 192.0.2.1:80->192.0.2.1:1234: broken pipe");
}

FIBER_TEST("http memory pipe: one direction is closed alone") {
  auto [a, b] = test::memory_pipe();
  CHECK(a.write("x").second == nil);
  CHECK(a.close_write() == nil);
  CHECK(io::read_all(b).first == "x");
  CHECK(a.write("y").second);
  CHECK(b.write("z").second == nil);
  CHECK(a.close_read() == nil);
  std::string room(1, ' ');
  CHECK(a.read(room).second == io::eof);
  CHECK(b.write("z").second);
}

PLAIN_TEST("http memory pipe: serves a later run, though a writer of an earlier one had more to write") {
  auto [a, b] = test::memory_pipe();
  a.set_write_buffer(4);
  std::string room(100, ' ');
  run(
      [&, to = a, from = b] {
        go([to] { static_cast<void>(to.write(std::string(1000, 'x'))); });
        CHECK(from.read(room).first == 4);
      },
      {.procs = 1});
  run(
      [&, to = a, from = b] {
        from.set_read_deadline(time::now() + 5ms);
        while (!from.read(room).second) {
        }
        from.set_read_deadline(nullptr);
        support::crew writer;
        writer.go([&] { CHECK(to.write("hello").first == 5); });
        CHECK(io::read_full(from, std::span(room).first(5)).first == 5);
        CHECK(room.starts_with("hello"));
        writer.join();
      },
      {.procs = 1});
}

FIBER_TEST("http memory pipe: a bound makes writes wait, each as a whole") {
  auto [a, b] = test::memory_pipe();
  a.set_write_buffer(3);
  sync::wait_group writers;
  for (const char c : {'x', 'y', 'z'}) {
    writers.go([&, c] { CHECK(a.write(std::string(1000, c)).first == 1000); });
  }
  std::string all;
  std::string room(7, ' ');
  while (all.size() < 3000) {
    all += room.substr(0, b.read(room).first);
  }
  writers.wait();
  for (const char c : {'x', 'y', 'z'}) {
    CHECK(all.find(std::string(1000, c)) != std::string::npos);
  }
}

FIBER_TEST("http memory pipe: deadlines, stops and closes end what waits") {
  auto [a, b] = test::memory_pipe();
  std::string room(1, ' ');
  a.set_read_deadline(std::chrono::steady_clock::now() - std::chrono::seconds(1));
  CHECK(a.read(room).second.timeout());
  a.set_read_deadline(nil);
  auto [ctx, cancel] = context::with_cancel(context::background());
  sync::wait_group waiting;
  waiting.go([&, ctx = ctx] { CHECK(errors::is(a.read(room, ctx).second, net::canceled)); });
  cancel();
  waiting.wait();
  waiting.go([&] { CHECK(a.read(room).second.timeout()); });
  a.set_deadline(std::chrono::steady_clock::now());
  waiting.wait();
  a.set_deadline(nil);
  a.set_write_buffer(1);
  waiting.go([&] { CHECK(errors::is(a.write("ab").second, net::closed)); });
  waiting.go([&] { CHECK(errors::is(a.read(room).second, net::closed)); });
  CHECK(b.read(room).first == 1);  // the write has begun, and waits for room again
  a.close();
  waiting.wait();
}

FIBER_TEST("http memory network: what is dialed is accepted, until the listener is closed") {
  const test::network n;
  const auto [client, err] = n.dial();
  CHECK(err == nil);
  const auto [served, accept_err] = n.listener().accept();
  CHECK(accept_err == nil);
  CHECK(served.remote_addr() == client.local_addr());
  CHECK(n.listener().addr().text() == "192.0.2.1:80");
  sync::wait_group waiting;
  waiting.go([&] {
    CHECK(n.listener().accept().second.text() == "accept tcp 192.0.2.1:80: use of closed network connection");
  });
  runtime::gosched();
  CHECK(n.listener().close() == nil);
  waiting.wait();
  CHECK(n.dial().second.text() == "dial tcp 192.0.2.1:80: connect: connection refused");
  CHECK(errors::is(n.listener().close(), net::closed));
}

FIBER_TEST("http memory network: what was not accepted ends with the listener, an accept at its deadline") {
  const test::network n;
  n.listener().set_deadline(std::chrono::steady_clock::now());
  CHECK(n.listener().accept().second.timeout());
  const net::conn client = n.dial().first;
  n.listener().close();
  CHECK(io::read_all(client) == std::pair(std::string(), gossamer::error()));
}

FIBER_TEST("http test server: answers without a port") {
  test::server srv([](http::response_writer& w, http::request& r) {
    CHECK(r.remote_addr.starts_with("192.0.2.2:"));
    w.write("hello " + std::string(r.form_value("name")));
  });
  const std::string answer = ask(srv.dial(), "GET /?name=x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(body_of(answer) == "hello x");
  CHECK(test::server::url() == "http://example.com");
  test::server nothing(nullptr);
  CHECK(ask(nothing.dial(), "GET / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.0 500 Internal Server Error\r\n"));
}

FIBER_TEST("http test server: a large body there and back") {
  test::server srv([](http::response_writer& w, http::request& r) { CHECK(w.read_from(r.body).second == nil); });
  const std::string large(1 << 20, 'x');
  const std::string answer =
      ask(srv.dial(), "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1048576\r\n\r\n" + large);
  CHECK(answer.size() > large.size());
}

FIBER_TEST("http test server: close ends idle connections and waits for the others") {
  sync::wait_group begun;
  const auto go_on = make_chan<void>();
  begun.add(1);
  test::server srv([&](http::response_writer& w, http::request& r) {
    if (r.url.path == "/wait") {
      begun.done();
      go_on.recv();
    }
    w.write("done");
  });
  const net::conn silent = srv.dial();
  const net::conn idle = srv.dial();
  const net::conn busy = srv.dial();
  idle.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  std::string room(1000, ' ');
  CHECK(idle.read(room).first > 0);
  busy.write("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  begun.wait();
  sync::wait_group closing;
  closing.go([&] { srv.close(); });
  CHECK(io::read_all(silent).first.empty());
  CHECK(io::read_all(idle).first.empty());
  go_on.close();
  CHECK(body_of(io::read_all(busy).first) == "done");
  closing.wait();
  CHECK(errors::is(srv.dial().write("x").second, net::closed));
}

FIBER_TEST("http test server: its fields are set before it starts; all connections can be ended") {
  test::server srv([](http::response_writer& w, http::request&) { w.write("x"); }, test::server::not_started());
  sync::wait_group begun;
  begun.add(1);
  srv.config.conn_state = [&](const net::conn&, http::conn_state to) {
    if (to == http::conn_state::created) {
      begun.done();
    }
  };
  srv.start();
  const net::conn c = srv.dial();
  begun.wait();
  srv.close_client_connections();
  CHECK(io::read_all(c).first.empty());
}
