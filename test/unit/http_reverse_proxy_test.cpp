// The reverse proxy: what it passes on of requests and answers, and how they stream.
#include <gossamer/http/reverse_proxy.hpp>
#include <gossamer/http/test.hpp>
#include <gossamer/io.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "http_served.hpp"
#include "http_upstream.hpp"

using namespace gossamer;
using namespace support;
namespace test = http::test;

namespace {

void to_backend(http::proxy_request& p) { p.set_url(http::parse_url("http://backend:81").first); }

// A proxy to one who keeps what he gets.
struct proxied {
  keeping_upstream upstream;
  http::reverse_proxy proxy;
  test::recorder rec;
  std::string log;

  proxied() {
    proxy.rewrite = to_backend;
    proxy.transport = &upstream;
    proxy.error_log = [this](std::string_view line) { log += std::string(line) + "\n"; };
  }
  proxied(const proxied&) = delete;
  proxied& operator=(const proxied&) = delete;

  const http::request& pass(http::request r) {
    proxy.serve_http(rec, r);
    return upstream.got;
  }
  const http::request& pass(http::header fields, std::string_view target = "/") {
    http::request r = test::new_request("GET", target);
    r.header = std::move(fields);
    return pass(std::move(r));
  }
};

// `name=value; `
std::string text_of(const http::header& h) {
  std::string text;
  for (const auto& f : h) {
    text += f.name + "=" + f.value + "; ";
  }
  return text;
}

// Where `target` goes below `base`.
std::string routed(std::string_view base, std::string_view target) {
  http::request in = test::new_request("GET", target);
  http::request out = in;
  http::proxy_request{in, out}.set_url(http::parse_url(base).first);
  return out.url.text();
}

std::string cleaned(const std::string& query) {
  proxied p;
  http::request r = test::new_request("GET", "/");
  r.url.raw_query = query;
  return p.pass(std::move(r)).url.raw_query;
}

}  // namespace

TEST_CASE("http reverse_proxy: fields of one connection are not passed on") {
  proxied p;
  p.upstream.answer.header = {
      {"Connection", "close, X-Back"},  {"X-Back", "1"}, {"Keep-Alive", "timeout=5"}, {"Proxy-Authenticate", "x"},
      {"Transfer-Encoding", "chunked"}, {"X-Kept", "2"}, {"Set-Cookie", "a=b"},       {"Set-Cookie", "c=d"}};
  const http::request& got = p.pass({{"Connection", "X-Mine ,connection"},
                                     {"Connection", "X-Too"},
                                     {"X-Mine", "1"},
                                     {"X-Too", "1"},
                                     {"Keep-Alive", "1"},
                                     {"Proxy-Connection", "x"},
                                     {"Proxy-Authorization", "x"},
                                     {"Te", "trailers, deflate"},
                                     {"Trailer", "X"},
                                     {"Upgrade", "websocket"},
                                     {"Accept", "a/b"}});
  CHECK(text_of(got.header) == "Accept=a/b; Te=trailers; User-Agent=; ");
  CHECK(text_of(p.rec.result().header) == "X-Kept=2; Set-Cookie=a=b; Set-Cookie=c=d; ");
  CHECK(p.rec.body == "from upstream");
  CHECK(p.rec.code == 200);
}

TEST_CASE("http reverse_proxy: the request goes out as it was, to another host") {
  proxied p;
  http::request in = test::new_request("PUT", "http://front/a%2Fb?x=1", "the body");
  in.header.set("User-Agent", "me");
  in.close = true;
  const http::request& got = p.pass(in);
  CHECK(got.method == "PUT");
  CHECK(got.url.text() == "http://backend:81/a%2Fb?x=1");
  CHECK(got.host.empty());
  CHECK_FALSE(got.close);
  CHECK(got.content_length == 8);
  CHECK(p.upstream.body == "the body");
  CHECK(got.header.get("User-Agent") == "me");
  CHECK(in.url.text() == "http://front/a%2Fb?x=1");
}

TEST_CASE("http reverse_proxy: one that is known to have no body has none") {
  proxied p;
  CHECK_FALSE(p.pass(http::header()).body);
}

TEST_CASE("http reverse_proxy: set_url joins paths and queries") {
  CHECK(routed("http://b", "/x") == "http://b/x");
  CHECK(routed("https://b/base", "/x") == "https://b/base/x");
  CHECK(routed("http://b/base/", "/x") == "http://b/base/x");
  CHECK(routed("http://b/base/", "/x/") == "http://b/base/x/");
  CHECK(routed("http://b/a%2Fb", "/x") == "http://b/a%2Fb/x");
  CHECK(routed("http://b/a%2Fb/", "/x%2Fy") == "http://b/a%2Fb/x%2Fy");
  CHECK(routed("http://b/base%2F", "/x") == "http://b/base%2F/x");
  CHECK(routed("http://b?k=1", "/x?l=2") == "http://b/x?k=1&l=2");
  CHECK(routed("http://b?k=1", "/x") == "http://b/x?k=1");
  CHECK(routed("http://b", "/x?l=2") == "http://b/x?l=2");
}

TEST_CASE("http reverse_proxy: set_url leaves nothing of a target without a path") {
  http::request in = test::new_request("GET", "/");
  in.url = http::parse_url("http:http://evil/admin").first;
  http::request out = in;
  http::proxy_request{in, out}.set_url(http::parse_url("http://b/base").first);
  CHECK(out.url.text() == "http://b/base/");
}

TEST_CASE("http reverse_proxy: what of a query can be read in two ways is not passed on") {
  CHECK(cleaned("a=1&b=2") == "a=1&b=2");
  CHECK(cleaned("b=%20&a") == "b=%20&a");
  CHECK(cleaned("a=1&b=2;c=3") == "a=1");
  CHECK(cleaned("a=1&b=%zz") == "a=1");
  CHECK(cleaned("a=1&b=%2") == "a=1");
  CHECK(cleaned("b=x y&a=%") == "b=x+y");
  std::string many = "a=1";
  for (int i = 0; i < 10'000; i++) {
    many += "&a=1";
  }
  CHECK(cleaned(many).empty());
}

TEST_CASE("http reverse_proxy: X-Forwarded says where the request comes from, and nobody else does") {
  const http::header forged{{"Forwarded", "for=1.2.3.4"},
                            {"X-Forwarded-For", "1.2.3.4"},
                            {"X-Forwarded-Host", "h"},
                            {"X-Forwarded-Proto", "https"}};
  {
    proxied p;
    CHECK(text_of(p.pass(forged).header) == "User-Agent=; ");
  }
  {
    proxied p;
    p.proxy.rewrite = [](http::proxy_request& q) { q.set_x_forwarded(); };
    CHECK(text_of(p.pass(forged).header) ==
          "X-Forwarded-For=192.0.2.1; X-Forwarded-Host=example.com; X-Forwarded-Proto=http; User-Agent=; ");
  }
  proxied p;
  p.proxy.rewrite = [](http::proxy_request& q) {
    q.out.header.set("X-Forwarded-For", q.in.header.get("X-Forwarded-For"));
    q.set_x_forwarded();
  };
  CHECK(p.pass(forged).header.get("X-Forwarded-For") == "1.2.3.4, 192.0.2.1");
}

TEST_CASE("http new_single_host_reverse_proxy: host and X-Forwarded stay") {
  proxied p;
  p.proxy = http::new_single_host_reverse_proxy(http::parse_url("http://backend/base").first);
  p.proxy.transport = &p.upstream;
  const http::request& got = p.pass({{"X-Forwarded-For", "1.2.3.4"}, {"X-Forwarded-Proto", "https"}}, "/x?y");
  CHECK(got.url.text() == "http://backend/base/x?y");
  CHECK(got.host == "example.com");
  CHECK(got.header.get("X-Forwarded-For") == "1.2.3.4, 192.0.2.1");
  CHECK(got.header.get("X-Forwarded-Proto") == "https");

  // A client without an address adds none; what it says is for this hop only is not passed on.
  http::request local = test::new_request("GET", "/");
  local.remote_addr = "@";
  local.header = {{"X-Forwarded-For", "1.2.3.4"}, {"X-Forwarded-Proto", "https"}, {"Connection", "X-Forwarded-Proto"}};
  const http::request& passed = p.pass(std::move(local));
  CHECK(passed.header.get("X-Forwarded-For") == "1.2.3.4");
  CHECK_FALSE(passed.header.has("X-Forwarded-Proto"));
}

TEST_CASE("http reverse_proxy: without an answer it is 502, and logged") {
  proxied p;
  p.proxy.transport = [](const http::request&) -> http::round_trip_result { return {{}, errors::make("no\nserver")}; };
  p.pass(http::header());
  CHECK(p.rec.code == 502);
  CHECK(p.rec.body.empty());
  CHECK(p.log == "http: proxy error: no\\x0aserver\n");
}

TEST_CASE("http reverse_proxy: an answer whose status is none is 502") {
  proxied p;
  p.upstream.answer = answer_of("text", 99);
  p.pass(http::header());
  CHECK(p.rec.code == 502);
  CHECK(p.rec.body.empty());
  CHECK(p.log == "http: proxy error: backend answered with invalid status code 99\n");
}

TEST_CASE("http reverse_proxy: error_handler answers instead") {
  proxied p;
  p.proxy.transport = [](const http::request&) -> http::round_trip_result { return {{}, errors::make("why")}; };
  p.proxy.error_handler = [](http::response_writer& w, http::request& r, const error& err) {
    w.write_header(504);
    w.write(r.url.host + ": " + err.text());
  };
  p.pass(http::header());
  CHECK(p.rec.code == 504);
  CHECK(p.rec.body == "backend:81: why");
  CHECK(p.log.empty());
}

TEST_CASE("http reverse_proxy: modify_response changes the answer, or refuses it") {
  {
    proxied p;
    p.upstream.answer = answer_of("text", 404);
    p.proxy.modify_response = [](http::response& res) -> error {
      res.header.set("X", std::to_string(res.status_code));
      res.status_code = 200;
      return nil;
    };
    p.pass(http::header());
    CHECK(p.rec.code == 200);
    CHECK(p.rec.result().header.get("X") == "404");
  }
  proxied p;
  p.proxy.modify_response = [](http::response&) { return errors::make("not that"); };
  p.pass(http::header());
  CHECK(p.rec.code == 502);
  CHECK(p.log == "http: proxy error: not that\n");
}

TEST_CASE("http reverse_proxy: what is not passed on at all") {
  {
    proxied p;
    p.pass(test::new_request("CONNECT", "h:1"));
    CHECK(p.rec.code == 405);
    CHECK(p.log == "http: proxy error: client sent unsupported CONNECT request\n");
  }
  {
    proxied p;
    p.pass({{"Connection", "upgrade"}, {"Upgrade", "a\x7f"}});
    CHECK(p.rec.code == 502);
    CHECK(p.log == "http: proxy error: client tried to switch to invalid protocol \"a\\x7f\"\n");
  }
  proxied p;
  p.proxy.rewrite = nullptr;
  p.pass(http::header());
  CHECK(p.rec.code == 502);
}

TEST_CASE("http reverse_proxy: another protocol is passed on only where it was asked for") {
  const auto answer = [](proxied& p, std::string_view protocol) {
    p.upstream.answer = answer_of("", 101);
    p.upstream.answer.header = {{"Connection", "Upgrade"}, {"Upgrade", protocol}};
    p.pass({{"Connection", "keep-alive, upgrade"}, {"Upgrade", "WebSocket"}});
    CHECK(p.rec.code == 502);
    return p.log;
  };
  proxied other, same, bad;
  CHECK(answer(other, "h2c") ==
        "http: proxy error: backend tried to switch protocol \"h2c\" when \"WebSocket\" was requested\n");
  CHECK(answer(bad, "\x80") == "http: proxy error: backend tried to switch to invalid protocol \"\\x80\"\n");
  CHECK(answer(same, "websocket") ==
        "http: proxy error: internal error: 101 switching protocols response with non-writable body\n");
  CHECK(text_of(same.upstream.got.header) == "Connection=Upgrade; Upgrade=WebSocket; User-Agent=; ");
}

FIBER_TEST("http reverse_proxy: trailers of answers, announced or not, whatever the length") {
  for (const bool announced : {false, true}) {
    http::reverse_proxy proxy;
    proxy.rewrite = to_backend;
    proxy.transport = [announced](const http::request&) -> http::round_trip_result {
      http::response res = answer_of("text");
      res.header.del("Content-Length");
      res.trailer = std::make_shared<http::header>();
      if (announced) {
        res.trailer->set("X-Sum", "");
      }
      // What is read last brings them.
      auto rest = io::nop_closer(std::make_shared<io::string_reader>("text"));
      struct ending_body {
        io::read_closer from;
        std::shared_ptr<http::header> trailer;
        io::result read(std::span<std::byte> to) const {
          auto r = from.read(to);
          if (r.second == io::eof) {
            trailer->set("X-Sum", "4");
          }
          return r;
        }
      };
      res.body = io::nop_closer(ending_body{rest, res.trailer});
      return {std::move(res), nullptr};
    };
    served s(proxy);
    s.start();
    const std::string answer = ask(s, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    CHECK(answer.ends_with("4\r\ntext\r\n0\r\nX-Sum: 4\r\n\r\n"));
    CHECK((field_of(answer, "Trailer") == "X-Sum") == announced);
  }
}

FIBER_TEST("http reverse_proxy: bodies stream, each piece as it comes") {
  auto [front, back] = net::pipe();
  http::reverse_proxy proxy;
  proxy.rewrite = to_backend;
  proxy.transport = [back = back](const http::request&) -> http::round_trip_result {
    return {answer_of(back), nullptr};
  };
  served s(proxy);
  s.start();
  const net::conn c = s.dial();
  CHECK(c.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n").second == nil);
  CHECK(read_until(c, "\r\n\r\n").starts_with("HTTP/1.1 200 OK"));
  for (const std::string_view piece : {"one", "three", "four"}) {
    CHECK(front.write(piece).second == nil);
    CHECK(read_until(c, std::string(piece) + "\r\n").ends_with("\r\n" + std::string(piece) + "\r\n"));
  }
  CHECK(front.close() == nil);
  CHECK(read_until(c, "0\r\n\r\n") == "0\r\n\r\n");
  c.close();
}

FIBER_TEST("http reverse_proxy: with an interval what has come does not wait for the rest") {
  auto [front, back] = net::pipe();
  http::reverse_proxy proxy;
  proxy.rewrite = to_backend;
  proxy.flush_interval = 1ms;
  proxy.transport = [back = back](const http::request&) -> http::round_trip_result {
    return {answer_of(back, 8), nullptr};
  };
  served s(proxy);
  s.start();
  const net::conn c = s.dial();
  CHECK(c.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").second == nil);
  CHECK(read_until(c, "\r\n\r\n").starts_with("HTTP/1.1 200 OK"));
  CHECK(front.write("half").second == nil);
  CHECK(read_until(c, "half") == "half");
  CHECK(front.write("rest").second == nil);
  CHECK(front.close() == nil);
  CHECK(read_to_end(c) == "rest");
  c.close();
}

FIBER_TEST("http reverse_proxy: an answer may come before all of the request") {
  http::reverse_proxy proxy;
  proxy.rewrite = to_backend;
  // Sends back what it gets, while it gets it.
  proxy.transport = [](const http::request& r) -> http::round_trip_result { return {answer_of(r.body), nullptr}; };
  served s(proxy);
  s.start();
  const net::conn c = s.dial();
  CHECK(c.write("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").second == nil);
  CHECK(read_until(c, "\r\n\r\n").starts_with("HTTP/1.1 200 OK"));
  for (int i = 0; i < 3; i++) {
    CHECK(c.write("4\r\nping\r\n").second == nil);
    CHECK(read_until(c, "ping\r\n") == "4\r\nping\r\n");
  }
  CHECK(c.write("0\r\n\r\n").second == nil);
  CHECK(read_until(c, "0\r\n\r\n") == "0\r\n\r\n");
  c.close();
}

FIBER_TEST("http reverse_proxy: after 101 both connections are one") {
  auto [own, back] = test::memory_pipe();
  http::reverse_proxy proxy;
  proxy.rewrite = to_backend;
  proxy.transport = [back = back](const http::request&) -> http::round_trip_result {
    http::response res = answer_of(back, -1, 101);
    res.header = {{"Connection", "Upgrade"}, {"Upgrade", "lines"}, {"X-Own", "1"}, {"Content-Length", "5"}};
    res.header.add("no token", "1");
    return {std::move(res), nullptr};
  };
  served s(proxy);
  s.start();
  const net::conn c = s.dial();
  CHECK(c.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\nfirst ").second == nil);
  CHECK(read_until(c, "\r\n\r\n") ==
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: lines\r\nX-Own: 1\r\n\r\n");
  const std::string much = pattern(200'000);
  crew sending;
  sending.go([&] {
    CHECK(c.write(much).second == nil);
    CHECK(c.close_write() == nil);
  });
  CHECK(read_all(own) == std::pair("first " + much, error()));
  // The other direction goes on.
  sending.go([&, own = own] {
    CHECK(own.write(much).second == nil);
    CHECK(own.close() == nil);
  });
  CHECK(read_all(c) == std::pair(much, error()));
  sending.join();
  c.close();
}
