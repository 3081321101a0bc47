// The reverse proxy between real servers and their clients, by the transport.
#include <gossamer/http/reverse_proxy.hpp>
#include <gossamer/http/transport.hpp>
#include <gossamer/io.hpp>
#include <gossamer/ws.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "http_served.hpp"

using namespace gossamer;
using namespace support;

// --------------------------------------------------------------------------------------------

namespace {

// A server behind a proxy, by a transport of its own, and the server of the proxy.
struct chained {
  std::shared_ptr<http::transport> transport = std::make_shared<http::transport>();
  served upstream;
  served front;

  explicit chained(http::handler h) : upstream(std::move(h)), front(passing()) {
    upstream.start();
    front.start();
  }
  chained(const chained&) = delete;
  chained& operator=(const chained&) = delete;
  ~chained() {
    front.stop();
    transport->close_idle_connections();
  }

 private:
  http::reverse_proxy passing() {
    http::reverse_proxy proxy;
    proxy.transport = transport;
    proxy.rewrite = [to = http::parse_url("http://" + upstream.place()).first](http::proxy_request& p) {
      p.set_url(to);
    };
    return proxy;
  }
};

// What the client gets for it, which ends with this answer.
std::string through(http::handler h, std::string_view request) {
  chained c(std::move(h));
  return without_date(ask(c.front, request));
}

}  // namespace

FIBER_TEST("http reverse_proxy to a server: what was asked comes there, and the answer back") {
  const std::string answer = through(
      [](http::response_writer& w, http::request& r) {
        const auto [body, err] = io::read_all(r.body);
        CHECK(err == nil);
        CHECK(r.header.get("User-Agent").empty());
        w.write_header(201);
        w.write(r.method + " " + r.request_uri + " " + body);
      },
      "PUT /a%2Fb?c=d HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody");
  CHECK(answer ==
        "HTTP/1.1 201 Created\r\nContent-Length: 19\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: "
        "close\r\n\r\nPUT /a%2Fb?c=d body");
}

FIBER_TEST("http reverse_proxy to a server: trailers both ways") {
  const std::string answer = through(
      [](http::response_writer& w, http::request& r) {
        w.header().set("Trailer", "X-Back");
        CHECK(r.trailer.size() == 2);
        CHECK(r.trailer.has("X-There"));
        CHECK(r.trailer.has("X-Never"));
        io::read_all(r.body);
        CHECK(r.trailer.size() == 2);
        w.write("text");
        w.header().set("X-Back", std::string(r.trailer.get("X-There")) + " and back");
        w.header().set("Trailer:X-More", "unannounced");
      },
      "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: "
      "X-There, X-Never, Content-Length\r\n\r\n4\r\nbody\r\n0\r\nX-There: there\r\n\r\n");
  CHECK(answer.ends_with("4\r\ntext\r\n0\r\nX-Back: there and back\r\nX-More: unannounced\r\n\r\n"));
}

FIBER_TEST("http reverse_proxy to a server: hints come before the answer") {
  const std::string answer = through(
      [](http::response_writer& w, http::request&) {
        w.header() = {{"Link", "</style.css>"}, {"Connection", "X-Own"}, {"X-Own", "1"}, {"Upgrade", "q"}};
        w.write_header(103);
        w.header().clear();
        w.write("text");
      },
      "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(answer.starts_with("HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\nHTTP/1.1 200 OK\r\n"));
  CHECK(answer.substr(answer.find("200")).find("Link") == answer.npos);
}

FIBER_TEST("http reverse_proxy to a server: no hints for a client of HTTP/1.0") {
  const std::string answer = through(
      [](http::response_writer& w, http::request&) {
        w.write_header(103);
        w.write("text");
      },
      "GET / HTTP/1.0\r\n\r\n");
  CHECK(answer.starts_with("HTTP/1.0 200 OK\r\n"));
}

FIBER_TEST("http reverse_proxy to a server: what Connection names does not come through where it closes, too") {
  const std::string answer = through(
      [](http::response_writer& w, http::request&) {
        w.header() = {{"Connection", "close, X-Internal"}, {"X-Internal", "secret"}, {"X-Open", "1"}};
      },
      "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(field_of(answer, "X-Open") == "1");
  CHECK(answer.find("secret") == answer.npos);
}

FIBER_TEST("http reverse_proxy to a server: both ways at once") {
  chained c([](http::response_writer& w, http::request& r) {
    CHECK(w.enable_full_duplex() == nil);
    io::copy(io::writer(&w), r.body);
  });
  const std::string sent = pattern(500'000 / slowdown);
  const net::conn client = c.front.dial();
  crew sending;
  sending.go([&] {
    CHECK(client.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(sent.size()) + "\r\n\r\n")
              .second == nil);
    CHECK(client.write(sent).second == nil);
  });
  http_answers answers(client);
  CHECK(answers.next());
  CHECK((answers.body == sent));
  sending.join();
  client.close();
}

FIBER_TEST("http reverse_proxy to a server: an upgrade") {
  chained c([](http::response_writer& w, http::request& r) {
    CHECK(r.header.get("Upgrade") == "echo");
    auto [own, err] = w.hijack();
    CHECK(err == nil);
    CHECK(own.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello ").second ==
          nil);
    io::copy(own, own);
    own.close();
  });
  const net::conn client = c.front.dial();
  CHECK(client.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly ").second == nil);
  CHECK(read_until(client, "hello early ").ends_with("\r\n\r\nhello early "));
  CHECK(client.write("late").second == nil);
  CHECK(client.close_write() == nil);
  CHECK(read_all(client) == std::pair(std::string("late"), error()));
  client.close();
}

FIBER_TEST("http reverse_proxy to a server: one that dies in the midst of its answer") {
  const std::string answer = through(
      [](http::response_writer& w, http::request&) {
        w.header().set("Content-Length", "10");
        w.write("some");
        w.flush();
        panic(http::abort_handler);
      },
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  // So few bytes had not been sent yet.
  CHECK(answer.empty());
}

FIBER_TEST("http reverse_proxy to nobody: 502") {
  http::reverse_proxy proxy;
  const auto transport = std::make_shared<http::transport>();
  proxy.transport = transport;
  std::string nowhere;
  {
    const bound_listener gone;
    nowhere = gone.place();
  }
  proxy.rewrite = [&](http::proxy_request& p) { p.set_url(http::parse_url("http://" + nowhere).first); };
  served s(proxy);
  s.start();
  CHECK(ask(s, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 502 Bad Gateway\r\n"));
  s.stop();
  CHECK(s.log() == "http: proxy error: dial tcp " + nowhere + ": connect: connection refused\n");
}

FIBER_TEST("http reverse_proxy to a server: WebSocket messages, and how they end") {
  chained c([](http::response_writer& w, http::request& r) {
    auto [own, err] = ws::accept(w, r);
    CHECK(err == nil);
    for (;;) {
      const auto [type, text, end] = own.read();
      if (end) {
        CHECK(ws::close_status(end) == ws::status_code::normal_closure);
        break;
      }
      CHECK(own.write({}, type, text) == nil);
    }
  });
  const auto [client, err] = ws::dial(context::background(), "ws://" + c.front.place() + "/");
  CHECK(err == nil);
  if (err) {
    return;
  }
  for (const std::size_t size : {0, 5, 1'000, 30'000}) {
    const std::string sent = pattern(size);
    CHECK(client.write({}, ws::message_type::binary, sent) == nil);
    const auto [type, got, end] = client.read();
    CHECK(end == nil);
    CHECK((got == sent));
  }
  CHECK(client.close(ws::status_code::normal_closure) == nil);
}

FIBER_TEST(
    "http reverse_proxy to a server: rewrite decides of the trailers, and what is for one hop is not passed on") {
  auto transport = std::make_shared<http::transport>();
  std::string seen;
  served upstream([&](http::response_writer&, http::request& r) {
    io::read_all(r.body);
    for (const http::header::field& f : r.trailer) {
      seen += f.name + "=" + f.value + " ";
    }
  });
  http::reverse_proxy proxy;
  proxy.transport = transport;
  proxy.rewrite = [to = http::parse_url("http://" + upstream.place()).first](http::proxy_request& p) {
    p.set_url(to);
    p.out.trailer.set("X-Proxy", "own");
    p.out.trailer.set("X-Both", "own");
    p.out.trailer.del("X-Gone");
  };
  served front(proxy);
  upstream.start();
  front.start();
  ask(front,
      "POST / HTTP/1.1\r\nHost: x\r\nConnection: close, X-Hop\r\nTransfer-Encoding: chunked\r\n"
      "Trailer: X-There, X-Gone, X-Both, X-Hop, X-Forwarded-For\r\n\r\n4\r\nbody\r\n0\r\n"
      "X-There: there\r\nX-Gone: 1\r\nX-Both: client\r\nX-Hop: 1\r\nX-Forwarded-For: 6.6.6.6\r\n"
      "Proxy-Authorization: x\r\nX-More: more\r\n\r\n");
  front.stop();
  transport->close_idle_connections();
  upstream.stop();
  CHECK(seen.find("X-There=there ") != seen.npos);
  CHECK(seen.find("X-Proxy=own ") != seen.npos);
  CHECK(seen.find("X-Both=own ") != seen.npos);
  CHECK(seen.find("client") == seen.npos);
  for (const char* name : {"X-Gone", "X-Hop", "X-Forwarded-For", "Proxy-Authorization"}) {
    CHECK(seen.find(name) == seen.npos);
  }
}

FIBER_TEST("http reverse_proxy to a server: a field of the head that is also a trailer stays in the head") {
  const std::string answer = through(
      [](http::response_writer& w, http::request&) {
        w.header() = {{"Trailer", "X-Sum"}, {"X-Sum", "a"}, {"Content-Length", "4"}};
        w.write("text");
      },
      "GET / HTTP/1.0\r\n\r\n");
  CHECK(answer.find("\r\nX-Sum: a\r\n") != answer.npos);
}
