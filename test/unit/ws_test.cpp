// ws: servers and clients of the library, with each other.
#include <gossamer/http.hpp>
#include <gossamer/ws.hpp>

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "http_served.hpp"

using namespace gossamer;
using namespace std::chrono_literals;
using support::served;
using ws::message_type;
using ws::status_code;

namespace {

using accepted = std::function<void(const ws::conn&)>;

// Accepts each request, and gives the connection to f.
class ws_served : public served {
 public:
  explicit ws_served(accepted f, ws::accept_options how = {})
      : served([f = std::move(f), how = std::move(how)](http::response_writer& w, http::request& r) {
          if (auto [c, err] = ws::accept(w, r, how); !err) {
            f(c);
          }
        }) {
    start();
  }
  std::string url() const { return "ws://" + place() + "/"; }
  ws::conn dial(const ws::dial_options& how = {}) const {
    auto [c, err] = ws::dial(context::background(), url(), how);
    CHECK(err == nil);
    return c;
  }
};

void echo(const ws::conn& c) {
  for (;;) {
    auto [type, message, err] = c.read();
    if (err || c.write({}, type, message)) {
      break;
    }
  }
  c.close_now();
}

std::string text_of(const error& err) { return err ? err.text() : "nil"; }

// How `sent` comes back.
void check_echo(const ws::conn& c, message_type type, const std::string& sent) {
  support::crew fibers;
  fibers.go([&] { CHECK(c.write({}, type, sent) == nil); });
  const auto [came, message, err] = c.read();
  CHECK(err == nil);
  CHECK(came == type);
  CHECK((message == sent));
}

// The answer's status and body to a handshake with one field changed: `Name: value`, or `Name` to leave it out.
std::string refused(const served& s, std::string_view change, std::string_view line = "GET / HTTP/1.1") {
  const std::string_view name = change.substr(0, change.find(':'));
  std::string text(line);
  text += "\r\nHost: example.com\r\n";
  for (const std::string_view field : {"Connection: keep-alive, Upgrade", "Upgrade: websocket",
                                       "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}) {
    if (field.substr(0, field.find(':')) != name) {
      text.append(field).append("\r\n");
    }
  }
  if (change.find(':') != change.npos) {
    text.append(change).append("\r\n");
  }
  const net::conn c = s.dial();
  c.write(text + "\r\n");
  support::http_answers answers(c);
  c.set_read_deadline(std::chrono::steady_clock::now() + support::patience);
  answers.next();
  c.close();
  return answers.head.substr(9, 3) + " " + answers.body.substr(0, answers.body.find('\n'));
}

}  // namespace

FIBER_TEST("ws: messages of each size go there and back, with each sort of compression") {
  for (const auto mode : {ws::compression_mode::disabled, ws::compression_mode::no_context_takeover,
                          ws::compression_mode::context_takeover}) {
    ws_served s(
        [](const ws::conn& c) {
          c.set_read_limit(-1);
          echo(c);
        },
        {.compression = mode, .compression_threshold = 1});
    const ws::conn c = s.dial({.compression = mode, .compression_threshold = 1});
    c.set_read_limit(-1);
    for (const std::size_t n : {0, 1, 64, 125, 126, 127, 1023, 1024, 1025, 65535, 65536, 300'000}) {
      check_echo(c, message_type::text, std::string(n, 'x'));
      check_echo(c, message_type::binary, support::pattern(n));
    }
    CHECK(c.close(status_code::normal_closure) == nil);
  }
}

FIBER_TEST("ws: both sides may disagree on compression") {
  ws_served s(echo, {.compression = ws::compression_mode::no_context_takeover, .compression_threshold = 1});
  for (const auto mode : {ws::compression_mode::disabled, ws::compression_mode::context_takeover}) {
    const ws::conn c = s.dial({.compression = mode, .compression_threshold = 1});
    for (int i = 0; i < 3; i++) {
      check_echo(c, message_type::text, std::string(1000, 'x'));
    }
    CHECK(c.close(status_code::normal_closure) == nil);
  }
}

FIBER_TEST("ws: what is no handshake is refused, and told why") {
  ws_served s(echo);
  CHECK(refused(s, "X") == "101 ");
  CHECK(refused(s, "Connection: close") ==
        R"(426 WebSocket protocol violation: Connection header "close" does not contain Upgrade)");
  CHECK(refused(s, "Upgrade") == R"(426 WebSocket protocol violation: Upgrade header "" does not contain websocket)");
  CHECK(refused(s, "X", "POST / HTTP/1.1") ==
        R"(405 WebSocket protocol violation: handshake request method is not GET but "POST")");
  CHECK(refused(s, "X", "GET / HTTP/1.0") ==
        R"(426 WebSocket protocol violation: handshake request must be at least HTTP/1.1: "HTTP/1.0")");
  CHECK(refused(s, "Sec-WebSocket-Version: 8") ==
        R"(400 unsupported WebSocket protocol version (only 13 is supported): "8")");
  CHECK(refused(s, "Sec-WebSocket-Key") == "400 WebSocket protocol violation: missing Sec-WebSocket-Key");
  CHECK(
      refused(s, "Sec-WebSocket-Key: c2hvcnQ=") ==
      R"(400 WebSocket protocol violation: invalid Sec-WebSocket-Key "c2hvcnQ=", must be a 16 byte base64 encoded string)");
}

FIBER_TEST("ws: pages of other origins are refused unless a pattern has them") {
  ws_served s(echo, {.origin_patterns = {"*.friend.com", "https://safe.org"}});
  CHECK(refused(s, "Origin: http://example.com") == "101 ");
  CHECK(refused(s, "Origin: https://EXAMPLE.com") == "101 ");
  CHECK(refused(s, "Origin: http://a.Friend.com") == "101 ");
  CHECK(refused(s, "Origin: https://safe.org") == "101 ");
  CHECK(refused(s, "Origin: http://safe.org") ==
        R"(403 request Origin "http://safe.org" is not authorized for Host "example.com")");
  CHECK(refused(s, "Origin: http://friend.com") ==
        R"(403 request Origin "http://friend.com" is not authorized for Host "example.com")");
  CHECK(refused(s, "Origin: null") == R"(403 request Origin "null" is not a valid URL with a host)");
  ws_served all(echo, {.insecure_skip_verify = true});
  CHECK(refused(all, "Origin: http://evil.com") == "101 ");
}

FIBER_TEST("ws: the answer to the example of RFC 6455, with a subprotocol and the handler's own fields") {
  served s([](http::response_writer& w, http::request& r) {
    w.header().set("Set-Cookie", "a=b");
    w.header().set("Content-Length", "5");
    const auto [c, err] = ws::accept(w, r, {.subprotocols = {"superchat", "chat"}});
    CHECK(err == nil);
    CHECK(c.subprotocol() == "chat");
    c.close_now();
  });
  s.start();
  const net::conn c = s.dial();
  c.write(
      "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: other, chat\r\n"
      "Sec-WebSocket-Version: 13\r\n\r\n");
  CHECK(
      support::read_to_end(c) ==
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\nSet-Cookie: a=b\r\n\r\n");
  c.close();
}

FIBER_TEST("ws: a client's errors") {
  served s([](http::response_writer& w, http::request& r) {
    if (r.url.path == "/no") {
      return http::error(w, "go away", http::status_forbidden);
    }
    w.header().set("Upgrade", "websocket");
    w.header().set("Connection", "Upgrade");
    w.header().set("Sec-WebSocket-Accept", "wrong");
    w.write_header(http::status_switching_protocols);
  });
  s.start();
  const auto dial = [&](const std::string& url, const ws::dial_options& how = {}) {
    return ws::dial(context::background(), url, how).second;
  };
  const error no = dial("ws://" + s.place() + "/no");
  CHECK(no.text() == "failed to WebSocket dial: expected handshake response status code 101 but got 403");
  const auto* what = errors::as<ws::handshake_error>(no);
  CHECK(what != nullptr);
  CHECK((what != nullptr && what->status() == 403));
  CHECK(
      dial("http://" + s.place() + "/")
          .text()
          .starts_with(
              R"(failed to WebSocket dial: WebSocket protocol violation: invalid Sec-WebSocket-Accept "wrong", key ")"));
  CHECK(dial("ftp://a/").text() == R"(failed to WebSocket dial: unexpected url scheme: "ftp")");
  CHECK(dial("ws:///x").text() == "failed to WebSocket dial: http: no Host in request URL");
  CHECK(dial("ws://127.0.0.1:1/").text() ==
        "failed to WebSocket dial: dial tcp 127.0.0.1:1: connect: connection refused");
  CHECK(dial("ws://" + s.place() + "/", {.header = {{"A", "b\r\nc"}}}).text() ==
        R"(failed to WebSocket dial: net/http: invalid header field value for "A")");
}

FIBER_TEST("ws: what a client sends along") {
  const auto seen = make_chan<std::string>(1);
  served s([&seen](http::response_writer& w, http::request& r) {
    seen.send(r.host + " " + r.request_uri + " " + std::string(r.header.get("Authorization")) + " " +
              std::string(r.header.get("Cookie")) + " " + std::string(r.header.get("Sec-WebSocket-Protocol")) + " " +
              std::string(r.header.get("Sec-WebSocket-Extensions")));
    auto [c, err] = ws::accept(w, r, {.subprotocols = {"two"}});
    c.close(status_code::normal_closure);
  });
  s.start();
  const auto [c, err] = ws::dial(context::background(), "ws://user:word@" + s.place() + "/a%20b?c=d",
                                 {.header = {{"Cookie", "k=v"}, {"Host", "other"}, {"Upgrade", "h2c"}},
                                  .subprotocols = {"one", "two"},
                                  .compression = ws::compression_mode::no_context_takeover});
  CHECK(err == nil);
  CHECK(c.subprotocol() == "two");
  CHECK(ws::close_status(std::get<2>(c.read())) == status_code::normal_closure);
  CHECK(seen.recv() ==
        "other /a%20b?c=d Basic dXNlcjp3b3Jk k=v one,two permessage-deflate; client_no_context_takeover; "
        "server_no_context_takeover");
}

FIBER_TEST("ws: a close tells the other side its code and reason") {
  ws_served s([](const ws::conn& c) {
    const error err = std::get<2>(c.read());
    CHECK(err.text() == R"(failed to get reader: received close frame: status = StatusCode(4001) and reason = "bye")");
    CHECK(ws::close_status(err) == status_code(4001));
    CHECK(std::get<2>(c.read()) != nil);
    CHECK(c.write({}, message_type::text, "x") != nil);
    CHECK(errors::is(c.close(status_code::normal_closure), net::closed));
  });
  const ws::conn c = s.dial();
  CHECK(c.close(status_code(4001), "bye") == nil);
  CHECK(text_of(c.close(status_code::normal_closure)) == "failed to close WebSocket: use of closed network connection");
  CHECK(text_of(c.close_now()) == "failed to immediately close WebSocket: use of closed network connection");
  CHECK(errors::is(c.write({}, message_type::text, "x"), net::closed));
}

FIBER_TEST("ws: a close that cannot be said") {
  ws_served s([](const ws::conn& c) { CHECK(std::get<2>(c.read()) != nil); });
  CHECK(text_of(s.dial().close(status_code::no_status_rcvd)) == "nil");
  CHECK(text_of(s.dial().close(status_code::tls_handshake)) ==
        "failed to close WebSocket: failed to marshal close frame: status code StatusTLSHandshake cannot be set");
  CHECK(text_of(s.dial().close(status_code::normal_closure, std::string(124, 'x')))
            .starts_with("failed to close WebSocket: failed to marshal close frame: reason string max is 123 but got"));
}

FIBER_TEST("ws: a close while both sides read, and messages come") {
  ws_served s([](const ws::conn& c) {
    support::crew fibers;
    fibers.go([&] {
      while (!c.write({}, message_type::binary, std::string(100, 'x'))) {
      }
    });
    while (!std::get<2>(c.read())) {
    }
  });
  const ws::conn c = s.dial();
  support::crew fibers;
  fibers.go([&] {
    for (int i = 0; i < 10; i++) {
      if (std::get<2>(c.read())) {
        return;
      }
    }
  });
  CHECK(c.close(status_code::going_away, "enough") == nil);
}

FIBER_TEST("ws: both sides close at once") {
  ws_served s([](const ws::conn& c) { static_cast<void>(c.close(status_code::normal_closure)); });
  for (int i = 0; i < support::scale(50); i++) {
    CHECK(s.dial().close(status_code::normal_closure) == nil);
  }
}

FIBER_TEST("ws: pings are answered while the other side reads, and wait for a reader on this one") {
  ws_served s(echo);
  const ws::conn c = s.dial();
  support::crew fibers;
  fibers.go([&] { CHECK(ws::close_status(std::get<2>(c.read())) == status_code::normal_closure); });
  support::crew pings;
  for (int i = 0; i < 20; i++) {
    pings.go([&] { CHECK(c.ping() == nil); });
  }
  pings.join();
  CHECK(c.close(status_code::normal_closure) == nil);
  fibers.join();
  CHECK(errors::is(c.ping(), net::closed));
}

FIBER_TEST("ws: many write at once, each message whole; one reads") {
  constexpr int writers = 16;
  constexpr int each = 20;
  ws_served s(echo);
  const ws::conn c = s.dial();
  support::crew fibers;
  for (int i = 0; i < writers; i++) {
    fibers.go([&c, i] {
      for (int j = 0; j < each; j++) {
        CHECK(c.write({}, message_type::text, std::string(static_cast<std::size_t>(i * 100), 'a')) == nil);
      }
    });
  }
  std::size_t all = 0;
  for (int i = 0; i < writers * each; i++) {
    const auto [type, message, err] = c.read();
    CHECK(err == nil);
    CHECK(message.size() % 100 == 0);
    all += message.size();
  }
  CHECK(all == 240'000);
  fibers.join();
  CHECK(c.close(status_code::normal_closure) == nil);
}

FIBER_TEST("ws: a message piece by piece") {
  for (const auto mode : {ws::compression_mode::disabled, ws::compression_mode::context_takeover}) {
    ws_served s(
        [](const ws::conn& c) {
          const context::context ctx = context::background();
          for (;;) {
            auto [type, from, err] = c.reader(ctx);
            if (err) {
              return;
            }
            auto [to, write_err] = c.writer(ctx, type);
            CHECK(write_err == nil);
            CHECK(io::copy(to, from).second == nil);
            CHECK(to.close() == nil);
            CHECK(text_of(to.close()) == "failed to close writer: writer already closed");
          }
        },
        {.compression = mode, .compression_threshold = 1});
    const ws::conn c = s.dial({.compression = mode, .compression_threshold = 1});
    const context::context ctx = context::background();
    for (int round = 0; round < 2; round++) {
      const std::string one = support::pattern(10'000);
      auto [to, err] = c.writer(ctx, message_type::binary);
      CHECK(err == nil);
      for (std::size_t at = 0; at < one.size(); at += 1000) {
        CHECK(to.write(std::string_view(one).substr(at, 1000)).second == nil);
      }
      CHECK(to.close() == nil);
      auto [type, from, read_err] = c.reader(ctx);
      CHECK(read_err == nil);
      CHECK(text_of(std::get<2>(c.read())) == "failed to get reader: previous message not read to completion");
      const auto [got, got_err] = io::read_all(from);
      CHECK(got_err == nil);
      CHECK((got == one));
      char more[8];
      CHECK(from.read(more).second == io::eof);
    }
    auto [empty, err] = c.writer(ctx, message_type::text);
    CHECK(empty.close() == nil);
    CHECK(std::get<1>(c.read()).empty());
    CHECK(c.close(status_code::normal_closure) == nil);
  }
}

FIBER_TEST("ws: the read limit, of what is compressed too") {
  ws_served s(
      [](const ws::conn& c) {
        c.set_read_limit(1000);
        CHECK(std::get<1>(c.read()).size() == 1000);
        CHECK(std::get<2>(c.read()).text().ends_with("read limited at 1000 bytes"));
        CHECK(errors::is(std::get<2>(c.read()), net::closed));
      },
      {.compression = ws::compression_mode::no_context_takeover});
  for (const auto mode : {ws::compression_mode::disabled, ws::compression_mode::context_takeover}) {
    const ws::conn c = s.dial({.compression = mode, .compression_threshold = 1});
    CHECK(c.write({}, message_type::text, std::string(1000, 'x')) == nil);
    CHECK(c.write({}, message_type::text, std::string(1001, 'x')) == nil);
    const error err = std::get<2>(c.read());
    CHECK(ws::close_status(err) == status_code::message_too_big);
    CHECK(err.text().ends_with(R"(status = StatusMessageTooBig and reason = "read limited at 1000 bytes")"));
  }
}

FIBER_TEST("ws: close_read answers pings and sees the end; a message is too much") {
  ws_served s([](const ws::conn& c) {
    const context::context ctx = c.close_read(context::background());
    CHECK(c.close_read(context::background()) == ctx);
    CHECK(c.write({}, message_type::text, "hi") == nil);
    ctx.done().recv();
    CHECK(ctx.err() == context::canceled);
  });
  const ws::conn quiet = s.dial();
  CHECK(std::get<1>(quiet.read()) == "hi");
  CHECK(quiet.close(status_code::normal_closure) == nil);
  const ws::conn loud = s.dial();
  CHECK(std::get<1>(loud.read()) == "hi");
  CHECK(loud.write({}, message_type::text, "x") == nil);
  const error err = std::get<2>(loud.read());
  CHECK(ws::close_status(err) == status_code::policy_violation);
}

FIBER_TEST("ws: the handler may return while others use the connection") {
  const auto given = make_chan<ws::conn>(1);
  ws_served s([&](const ws::conn& c) { given.send(c); });
  const ws::conn client = s.dial();
  const ws::conn server = *given.recv();
  CHECK(server.write({}, message_type::text, "still here") == nil);
  CHECK(std::get<1>(client.read()) == "still here");
  support::crew fibers;
  fibers.go([&] { CHECK(std::get<2>(server.read()) != nil); });
  CHECK(client.close(status_code::normal_closure) == nil);
}

FIBER_TEST("ws: a thousand clients") {
  if (support::width() == 1 || support::width() > 8) {
    return;
  }
  const int many = support::scale(1000);
  ws_served s(echo);
  std::atomic<int> right = 0;
  {
    support::crew fibers;
    for (int i = 0; i < many; i++) {
      fibers.go([&, i] {
        const ws::conn c = s.dial();
        const std::string mine = "client " + std::to_string(i);
        for (int round = 0; round < 3; round++) {
          if (!c.write({}, message_type::text, mine) && std::get<1>(c.read()) == mine) {
            ++right;
          }
        }
        CHECK(c.close(status_code::normal_closure) == nil);
      });
    }
  }
  CHECK(right == 3 * many);
}

TEST_CASE("ws: a nil connection") {
  const ws::conn none;
  CHECK(std::get<2>(none.read()).text() == "invalid argument");
  CHECK(none.write({}, message_type::text, "x").text() == "invalid argument");
  CHECK(none.ping().text() == "invalid argument");
  CHECK(none.close(status_code::normal_closure).text() == "invalid argument");
  CHECK(none.subprotocol().empty());
  CHECK(ws::close_status(nil) == status_code::none);
}
