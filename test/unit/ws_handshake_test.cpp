// ws: the handshake, from both sides.
#include <gossamer/http.hpp>
#include <gossamer/ws.hpp>

#include <string>
#include <string_view>

#include "ws_served.hpp"

using namespace gossamer;
using support::served;
using support::ws_served;
using ws::status_code;

namespace {

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

FIBER_TEST("ws: what is no handshake is refused, and told why") {
  ws_served s(support::echo_all);
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
  ws_served s(support::echo_all, {.origin_patterns = {"*.friend.com", "https://safe.org"}});
  CHECK(refused(s, "Origin: http://example.com") == "101 ");
  CHECK(refused(s, "Origin: https://EXAMPLE.com") == "101 ");
  CHECK(refused(s, "Origin: http://a.Friend.com") == "101 ");
  CHECK(refused(s, "Origin: https://safe.org") == "101 ");
  CHECK(refused(s, "Origin: http://safe.org") ==
        R"(403 request Origin "http://safe.org" is not authorized for Host "example.com")");
  CHECK(refused(s, "Origin: http://friend.com") ==
        R"(403 request Origin "http://friend.com" is not authorized for Host "example.com")");
  CHECK(refused(s, "Origin: null") == R"(403 request Origin "null" is not a valid URL with a host)");
  ws_served all(support::echo_all, {.insecure_skip_verify = true});
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
  CHECK((what != nullptr && what->body() == "go away\n"));
  CHECK(
      dial("http://" + s.place() + "/")
          .text()
          .starts_with(
              R"(failed to WebSocket dial: WebSocket protocol violation: invalid Sec-WebSocket-Accept "wrong", key ")"));
  CHECK(dial("ftp://a/").text() == R"(failed to WebSocket dial: unexpected url scheme: "ftp")");
  CHECK(dial("ws:///x").text() ==
        R"(failed to WebSocket dial: failed to send handshake request: Get "http:///x": http: no Host in request URL)");
  CHECK(dial("ws://127.0.0.1:1/").text() ==
        R"(failed to WebSocket dial: failed to send handshake request: Get "http://127.0.0.1:1/": )"
        "dial tcp 127.0.0.1:1: connect: connection refused");
  CHECK(dial("ws://" + s.place() + "/", {.header = {{"A", "b\r\nc"}}}).text() ==
        R"(failed to WebSocket dial: failed to send handshake request: Get "http://)" + s.place() +
            R"(/": net/http: invalid header field value for "A")");
}

FIBER_TEST("ws: a zone is for the client alone") {
  const auto seen = make_chan<std::string>(1);
  served s([&seen](http::response_writer& w, http::request& r) {
    seen.send(r.host);
    http::error(w, "", http::status_forbidden);
  });
  s.start();
  http::transport t;
  t.dial_context = [&s](const net::ending& end, std::string_view network, std::string_view) {
    return net::dialer().dial_context(end, network, s.place());
  };
  CHECK(ws::dial(context::background(), "ws://[::1%25lo]:81/", {.http_client = {.transport = &t}}).second != nil);
  CHECK(seen.recv() == "[::1]:81");
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

FIBER_TEST("ws: a client follows redirects, with cookies, but not for ever") {
  const auto seen = make_chan<std::string>(1);
  std::string self;
  served s([&](http::response_writer& w, http::request& r) {
    if (r.url.path == "/loop") {
      return http::redirect(w, r, "ws://" + self + "/loop", http::status_found);
    }
    if (r.url.path != "/there") {
      http::set_cookie(w, {.name = "k", .value = "v"});
      return http::redirect(w, r, "ws://" + self + "/there", http::status_temporary_redirect);
    }
    seen.send(std::string(r.header.get("Cookie")));
    auto [c, err] = ws::accept(w, r);
    c.close(status_code::normal_closure);
  });
  s.start();
  self = s.place();
  http::transport t;
  http::client client{.transport = &t, .jar = http::cookiejar::new_jar()};
  const auto [c, err] = ws::dial(context::background(), "ws://" + self + "/", {.http_client = client});
  CHECK(err == nil);
  CHECK(seen.recv() == "k=v");
  CHECK(ws::close_status(std::get<2>(c.read())) == status_code::normal_closure);
  CHECK(ws::dial(context::background(), "ws://" + self + "/loop", {.http_client = client}).second.text() ==
        R"(failed to WebSocket dial: failed to send handshake request: Get "ws://)" + self +
            R"(/loop": stopped after 10 redirects)");
  client.check_redirect = [](http::request&, auto) -> error { return http::use_last_response; };
  const error last = ws::dial(context::background(), "ws://" + self + "/", {.http_client = client}).second;
  CHECK(last.text() == "failed to WebSocket dial: expected handshake response status code 101 but got 307");
}

// As Go's transport does it: what is not encrypted is asked of the proxy itself.
FIBER_TEST("ws: through a proxy") {
  served s([](http::response_writer& w, http::request& r) {
    CHECK(r.request_uri == "http://example.com/chat");
    auto [c, err] = ws::accept(w, r);
    c.close(status_code::normal_closure);
  });
  s.start();
  http::transport t;
  t.proxy = http::proxy_url(http::parse_url("http://" + s.place()).first);
  const auto [c, err] = ws::dial(context::background(), "ws://example.com/chat", {.http_client = {.transport = &t}});
  CHECK(err == nil);
  CHECK(ws::close_status(std::get<2>(c.read())) == status_code::normal_closure);
}

// The context, and the client's time limit, are over with the handshake.
FIBER_TEST("ws: a context and a client's limit are those of the handshake") {
  served s([](http::response_writer& w, http::request& r) {
    if (r.url.path == "/slow") {
      r.context().done().recv();
      return;
    }
    auto [c, err] = ws::accept(w, r);
    CHECK(std::get<1>(c.read()) == "go");
    c.write({}, ws::message_type::text, "late");
    c.read();
  });
  s.start();
  const auto [ctx, cancel] = context::with_cancel(context::background());
  http::transport t;  // what is dialed for nobody any more goes with it
  http::client client{.transport = &t, .timeout = time::duration(support::patience)};
  const auto [c, err] = ws::dial(ctx, "ws://" + s.place() + "/", {.http_client = client});
  CHECK(err == nil);
  cancel();
  CHECK(c.write({}, ws::message_type::text, "go") == nil);
  CHECK(std::get<1>(c.read()) == "late");
  c.close_now();
  client.timeout = std::chrono::milliseconds(20);
  const error slow = ws::dial(context::background(), "ws://" + s.place() + "/slow", {.http_client = client}).second;
  CHECK(slow.timeout());
}
