// How requests are written. Source of the bytes and texts: Go's net/http, but for the default User-Agent.
#include "http/client/request_writer.hpp"

#include <unistd.h>
#include <gossamer/http/client.hpp>
#include <gossamer/http/test.hpp>
#include <gossamer/io.hpp>
#include <gossamer/os/file.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "fiber_test.hpp"
#include "http/client/request_check.hpp"
#include "pieces.hpp"

using namespace gossamer;

namespace {

constexpr std::string_view agent = "User-Agent: gossamer-http-client/1.1\r\n";

http::request request_of(std::string_view method, std::string_view url) {
  http::request r;
  r.method = method;
  r.url = http::parse_url(url).first;
  return r;
}

struct tracked_body {
  support::pieces text;
  int closes = 0;
  io::result read(std::span<std::byte> to) { return text.read(to); }
  error close() {
    closes++;
    return nullptr;
  }
};

io::read_closer body_of(std::string text, std::size_t most = 1 << 20) {
  auto b = std::make_shared<tracked_body>();
  b->text = {.text = std::move(text), .most = most};
  return {io::reader(b), io::closer(b)};
}

io::read_closer text_body(std::string text) {
  return io::nop_closer(std::make_shared<io::string_reader>(std::move(text)));
}

struct written {
  std::string text;  // what the server has got
  std::string err;
  int writes = 0;
};

// What is sent for it.
written write(const http::request& r, http::head_options how = {}) {
  auto [client, server] = http::test::memory_pipe();
  written w;
  support::crew fibers;
  fibers.go([&w, server = server] { w.text = io::read_all(server).first; });
  client.set_deadline(std::chrono::steady_clock::now() + support::patience);
  std::string buffer;
  http::request_writer writer(r, how, buffer);
  error err = writer.write_head(client, net::ending());
  if (!err && writer.has_body()) {
    w.writes++;
    err = writer.write_body(client, net::ending());
  }
  client.close();
  fibers.join();
  server.close();
  w.err = err ? err.text() : "";
  return w;
}

// The lines behind Host and User-Agent, where those are the usual ones.
std::string rest_of(const written& w) {
  const std::size_t at = w.text.find(agent);
  return at == std::string::npos ? w.text : w.text.substr(at + agent.size());
}

}  // namespace

FIBER_TEST("a request without a body is a head") {
  CHECK(write(request_of("GET", "http://a.b:80/x/y?q=1#f")).text ==
        "GET /x/y?q=1 HTTP/1.1\r\nHost: a.b:80\r\n" + std::string(agent) + "\r\n");
  CHECK(write(request_of("", "http://a")).text == "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(agent) + "\r\n");
  CHECK(rest_of(write(request_of("POST", "http://a/"))) == "Content-Length: 0\r\n\r\n");
  CHECK(rest_of(write(request_of("PATCH", "http://a/"))) == "Content-Length: 0\r\n\r\n");
  CHECK(rest_of(write(request_of("DELETE", "http://a/"))) == "\r\n");
  http::request r = request_of("GET", "http://a/");
  r.body = http::no_body();
  CHECK(rest_of(write(r)) == "\r\n");
}

FIBER_TEST("the target and the host are what the request says") {
  CHECK(write(request_of("GET", "http://[fe80::1%25en0]:80/"), {})
            .text.starts_with("GET / HTTP/1.1\r\nHost: [fe80::1]:80\r\n"));
  CHECK(write(request_of("GET", "http://u:p@a/x?y"), {.absolute_form = true})
            .text.starts_with("GET http://a/x?y HTTP/1.1\r\nHost: a\r\n"));
  http::request other = request_of("GET", "http://a/x");
  other.host = "b:1";
  CHECK(write(other).text.starts_with("GET /x HTTP/1.1\r\nHost: b:1\r\n"));
  CHECK(write(other, {.absolute_form = true}).text.starts_with("GET http://b:1/x HTTP/1.1\r\nHost: b:1\r\n"));
  other.host = "b /\r\nX: y";
  CHECK(write(other).text.starts_with("GET /x HTTP/1.1\r\nHost: \r\n"));
  CHECK(write(other, {.absolute_form = true}).err == "http: invalid Host header");
  http::request opaque = request_of("GET", "http://a/");
  opaque.url.opaque = "//a/%2f";
  CHECK(write(opaque).text.starts_with("GET http://a/%2f HTTP/1.1\r\n"));
  opaque.url.opaque = "/x\r\nY: z";
  CHECK(write(opaque).err == "net/http: can't write control character in Request.URL");
  http::request blank = request_of("GET", "http://a/x?y=1 2");
  CHECK(write(blank).text.starts_with("GET /x?y=1%202 HTTP/1.1\r\nHost: a\r\n"));
  http::request tunnel = request_of("CONNECT", "http://a:443");
  CHECK(write(tunnel).text.starts_with("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n"));
}

FIBER_TEST("fields come by their names, behind ours, and what is added behind them") {
  http::request r = request_of("GET", "http://a/");
  r.header = {{"x-b", "2"},
              {"Accept", " trimmed "},
              {"X-A", "1"},
              {"x-b", "1"},
              {"Host", "no"},
              {"Content-Length", "9"},
              {"Transfer-Encoding", "chunked"},
              {"Trailer", "T"}};
  const http::header extra{{"Proxy-Authorization", "p"}};
  CHECK(rest_of(write(r, {.asks_gzip = true, .closes = true, .extra = &extra})) ==
        "Accept: trimmed\r\nX-A: 1\r\nX-B: 2\r\nX-B: 1\r\nProxy-Authorization: p\r\nAccept-Encoding: gzip\r\n"
        "Connection: close\r\n\r\n");
  r.close = true;
  CHECK(rest_of(write(r, {.closes = true})).starts_with("Connection: close\r\nAccept: trimmed\r\n"));
  CHECK(rest_of(write(r, {.closes = true})).find("Connection", 5) == std::string::npos);
  r.header = {{"Connection", "close"}, {"User-Agent", "me"}};
  CHECK(write(r, {.closes = true}).text == "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: me\r\nConnection: close\r\n\r\n");
  r = request_of("GET", "http://a/");
  r.header = {{"User-Agent", ""}};
  CHECK(write(r).text == "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

FIBER_TEST("many fields are sorted, too") {
  http::request r = request_of("GET", "http://a/");
  for (int i = 59; i >= 10; i--) {
    r.header.add("X-" + std::to_string(i), "v");
  }
  const std::string text = rest_of(write(r));
  CHECK(text.starts_with("X-10: v\r\nX-11: v\r\n"));
  CHECK(text.ends_with("X-59: v\r\n\r\n"));
}

FIBER_TEST("a body whose length is known is counted") {
  http::request r = request_of("POST", "http://a/");
  r.body = text_body("hello");
  r.content_length = 5;
  written w = write(r);
  CHECK(rest_of(w) == "Content-Length: 5\r\n\r\nhello");
  CHECK(w.writes == 0);  // as one
  r.body = text_body("hello");
  CHECK(write(r, {.waits_for_continue = true}).writes == 1);
  r.body = body_of("hello", 2);
  w = write(r);
  CHECK(rest_of(w) == "Content-Length: 5\r\n\r\nhello");
  CHECK(w.writes == 1);
  const std::string large(100'000, 'x');
  r.body = body_of(large);
  r.content_length = 100'000;
  CHECK(rest_of(write(r)) == "Content-Length: 100000\r\n\r\n" + large);
  r.body = text_body(large);
  CHECK(rest_of(write(r)) == "Content-Length: 100000\r\n\r\n" + large);
}

FIBER_TEST("a body of another length is an error") {
  http::request r = request_of("POST", "http://a/");
  r.content_length = 5;
  for (const bool at_hand : {true, false}) {
    const auto make = [at_hand](const char* text) { return at_hand ? text_body(text) : body_of(text, 2); };
    r.body = make("abc");
    written w = write(r);
    CHECK(w.err == "http: ContentLength=5 with Body length 3");
    CHECK(w.text.empty() == at_hand);
    r.body = make("abcdefghi");
    w = write(r);
    CHECK(w.err == "http: ContentLength=5 with Body length 9");
    CHECK(!w.text.ends_with("f"));
    r.body = make("");
    CHECK(write(r).err == "http: ContentLength=5 with Body length 0");
  }
}

FIBER_TEST("a body whose length is not known is sent in chunks, with trailers") {
  http::request r = request_of("POST", "http://a/");
  r.body = body_of("hello world", 6);
  CHECK(rest_of(write(r)) == "Transfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n");
  r.body = body_of("");
  r.content_length = -1;
  CHECK(rest_of(write(r)) == "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  r.body = body_of("x");
  r.trailer = {{"X-B", "2"}, {"X-A", "1"}};
  CHECK(rest_of(write(r)) ==
        "Transfer-Encoding: chunked\r\nTrailer: X-A,X-B\r\n\r\n1\r\nx\r\n0\r\nX-A: 1\r\nX-B: 2\r\n\r\n");
  r.body = text_body("x");
  r.content_length = 1;
  CHECK(rest_of(write(r)) == "Content-Length: 1\r\n\r\nx");
  r.transfer_encoding = "chunked";
  r.body = text_body("x");
  CHECK(rest_of(write(r)).ends_with("X-A: 1\r\nX-B: 2\r\n\r\n"));
  r.trailer = {{"Content-Length", "2"}};
  r.body = text_body("x");
  CHECK(write(r).err == "invalid Trailer key \"Content-Length\"");
}

FIBER_TEST("with a method that has no body one of no bytes is none") {
  http::request r = request_of("GET", "http://a/");
  CHECK(support::eventually([&] {  // unless its end is long in coming
    r.body = body_of("");
    return rest_of(write(r)) == "\r\n";
  }));
  r.body = body_of("abc", 2);
  CHECK(rest_of(write(r)) == "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n");
}

FIBER_TEST("a body whose first byte is long in coming is sent in chunks") {
  auto [from, to] = io::pipe();
  http::request r = request_of("GET", "http://a/");
  r.body = {io::reader(from), io::closer(from)};
  support::crew fibers;
  auto [client, server] = http::test::memory_pipe();
  fibers.go([client = client, &r] {
    std::string buffer;
    http::request_writer writer(r, {}, buffer);
    CHECK(writer.write_head(client, net::ending()) == nil);
    CHECK(writer.has_body());
    CHECK(writer.write_body(client, net::ending()) == nil);
    client.close();
  });
  server.set_deadline(std::chrono::steady_clock::now() + support::patience);
  std::string head(14, ' ');
  CHECK(io::read_full(server, head).second == nil);  // it has gone before a byte of the body came
  CHECK(to.write("late").second == nil);
  to.close();
  CHECK(io::read_all(server).first.ends_with("Transfer-Encoding: chunked\r\n\r\n1\r\nl\r\n3\r\nate\r\n0\r\n\r\n"));
  fibers.join();
  server.close();
}

FIBER_TEST("a file is sent as it is") {
  const std::string name = "/tmp/gossamer_request_writer_" + std::to_string(getpid());
  const std::string text(300'000, 'f');
  CHECK(os::write_file(name, text, 0600) == nil);
  http::request r = request_of("PUT", "http://a/");
  for (const std::int64_t length : {300'000, 300'001, 299'999}) {
    auto [f, err] = os::open(name);
    CHECK(err == nil);
    r.body = f;
    r.content_length = length;
    const written w = write(r);
    CHECK(w.text.ends_with(text.substr(0, static_cast<std::size_t>(length))));
    CHECK(w.err ==
          (length == 300'000 ? "" : "http: ContentLength=" + std::to_string(length) + " with Body length 300000"));
  }
  os::remove(name);
}

FIBER_TEST("a body that never ends is given up beyond its length") {
  struct endless {
    io::result read(std::span<std::byte> to) {
      std::ranges::fill(to, std::byte('x'));
      return {to.size(), nullptr};
    }
  };
  http::request r = request_of("POST", "http://a/");
  r.body = io::nop_closer(std::make_shared<endless>());
  r.content_length = 3;
  const written w = write(r);
  CHECK(w.text.ends_with("\r\n\r\nxxx"));
  CHECK(w.err.starts_with("http: ContentLength=3 with Body length 10"));
}

FIBER_TEST("the body's error is the request's, and it is closed once") {
  http::request r = request_of("POST", "http://a/");
  auto b = std::make_shared<tracked_body>();
  b->text = {.text = "hel", .most = 2, .last = errors::make("no more")};
  r.body = {io::reader(b), io::closer(b)};
  for (const std::int64_t length : {-1, 5}) {
    b->text.text = "hel";
    b->closes = 0;
    r.content_length = length;
    CHECK(write(r).err == "no more");
    CHECK(b->closes == 1);
  }
}

FIBER_TEST("what cannot be sent is said by Go's texts") {
  const auto said = [](const std::function<void(http::request&)>& change) {
    http::request r = request_of("GET", "http://a/");
    change(r);
    const error err = http::check_request(r);
    return err ? err.text() : "";
  };
  CHECK(said([](http::request&) {}).empty());
  CHECK(said([](auto& r) { r.header.add("a b", "c"); }) == "net/http: invalid header field name \"a b\"");
  CHECK(said([](auto& r) { r.header.add("", "c"); }) == "net/http: invalid header field name \"\"");
  CHECK(said([](auto& r) { r.header.add("A", "b\r\nC: d"); }) == "net/http: invalid header field value for \"A\"");
  CHECK(said([](auto& r) { r.header.add("A", std::string("\0", 1)); }) ==
        "net/http: invalid header field value for \"A\"");
  CHECK(said([](auto& r) { r.header.add("A", "\tb\xff"); }).empty());
  CHECK(said([](auto& r) { r.trailer.add("a b", "c"); }) == "net/http: invalid trailer field name \"a b\"");
  CHECK(said([](auto& r) { r.trailer.add("A", "\n"); }) == "net/http: invalid trailer field value for \"A\"");
  CHECK(said([](auto& r) { r.method = "G T"; }) == "net/http: invalid method \"G T\"");
  CHECK(said([](auto& r) { r.url.scheme = "foo"; }) == "unsupported protocol scheme \"foo\"");
  CHECK(said([](auto& r) { r.url.scheme = ""; }) == "unsupported protocol scheme \"\"");
  CHECK(said([](auto& r) { r.url.host = ""; }) == "http: no Host in request URL");
  CHECK(said([](auto& r) { r.content_length = 5; }) == "http: Request.ContentLength=5 with nil Body");
  CHECK(said([](auto& r) { r.host = "b\xc3\xbc"; }) == "http: host \"b\xc3\xbc\" is not ASCII");
}
