// A transport behind proxies; and answers that are compressed.
#include <gossamer/http/test.hpp>
#include <gossamer/http/transport.hpp>
#include <gossamer/io.hpp>

#include <atomic>
#include <string>
#include <string_view>
#include <utility>

#include "fiber_test.hpp"
#include "http_transported.hpp"
#include "zipped.hpp"

using namespace gossamer;
using support::answer;
using support::read_head;
using support::request_to;
using support::scripted;
using support::text_of;
using support::zipped;

namespace {

http::proxy_function by(std::string_view url) { return http::proxy_url(http::parse_url(url).first); }

// Says what it was asked, again and again.
void repeats(const net::conn& c, int) {
  for (std::string head = read_head(c); !head.empty(); head = read_head(c)) {
    c.write(answer(head));
  }
}

// What a proxy that answers so makes of a request to https:.
std::string refused(std::string_view what) {
  scripted s([what](const net::conn& c, int) {
    read_head(c);
    c.write(what);
  });
  http::transport t;
  t.dial_context = s.dial();
  t.proxy = by("http://proxy:3128");
  return text_of(t.round_trip(request_to("https://example.com/")));
}

}  // namespace

FIBER_TEST("http transport proxy: http: names its host in the target, over one connection for all") {
  scripted s(repeats);
  http::transport t;
  t.dial_context = [dial = s.dial()](const net::ending& end, std::string_view network, std::string_view address) {
    CHECK(address == "proxy:3128");
    return dial(end, network, address);
  };
  t.proxy = by("http://user:pass@proxy:3128");
  const std::string got = text_of(t.round_trip(request_to("http://example.com:81/a?b")));
  CHECK(got.starts_with("GET http://example.com:81/a?b HTTP/1.1\r\nHost: example.com:81\r\n"));
  CHECK(got.find("\r\nProxy-Authorization: Basic dXNlcjpwYXNz\r\n") != std::string::npos);
  CHECK(text_of(t.round_trip(request_to("http://example.org/"))).starts_with("GET http://example.org/ HTTP/1.1\r\n"));
  CHECK(s.accepted() == 1);
}

FIBER_TEST("http transport proxy: https: asks for a tunnel") {
  std::atomic<int> asked = 0;
  scripted s([&](const net::conn& c, int) {
    const std::string head = read_head(c);
    asked += head.starts_with("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n") ? 1 : 0;
    asked += head.find("\r\nProxy-Authorization: Basic dXNlcjo=\r\n") != std::string::npos ? 10 : 0;
    asked += head.find("\r\nX: 1\r\n") != std::string::npos ? 100 : 0;
    c.write("HTTP/1.1 407 Who are you\r\nContent-Length: 5\r\n\r\nnever");
  });
  http::transport t;
  t.dial_context = s.dial();
  t.proxy = by("http://user@proxy:3128");
  t.proxy_connect_header.set("X", "1");
  CHECK(text_of(t.round_trip(request_to("https://example.com/"))) == "error: Who are you");
  CHECK(asked == 111);
}

FIBER_TEST("http transport proxy: what goes wrong on the way") {
  CHECK(refused("HTTP/1.1 502 Bad Gateway\r\n\r\n") == "error: Bad Gateway");
  CHECK(refused("HTTP/1.1 502\r\n\r\n") == "error: unknown status code");
  CHECK(refused("") == "error: unexpected EOF");
  http::transport t;
  t.dial_context = [](const net::ending&, std::string_view, std::string_view) {
    return std::pair<net::conn, error>(nullptr, errors::make("nobody there"));
  };
  t.proxy = by("http://proxy:3128");
  CHECK(text_of(t.round_trip(request_to("http://example.com/"))) == "error: proxyconnect tcp: nobody there");
  http::transport socks;
  socks.proxy = by("socks5://proxy:3128");
  CHECK(text_of(socks.round_trip(request_to("http://example.com/"))) ==
        "error: proxyconnect tcp: unsupported proxy scheme \"socks5\"");
  http::transport unsure;
  unsure.proxy = [](const http::request&) {
    return std::pair<std::optional<http::url>, error>(std::nullopt, errors::make("which one"));
  };
  CHECK(text_of(unsure.round_trip(request_to("http://example.com/"))) == "error: which one");
}

FIBER_TEST("http transport gzip: asked for, and undone") {
  std::atomic<int> asked = 0;
  http::test::server srv([&](http::response_writer& w, http::request& r) {
    asked += r.header.get("Accept-Encoding") == "gzip" ? 1 : 0;
    w.header().set("Content-Encoding", "gzip");
    const std::string text = zipped(std::string(100000, 'x'));
    w.write(r.url.path == "/cut" ? std::string_view(text).substr(0, text.size() / 2) : std::string_view(text));
  });
  std::atomic<int> dials = 0;
  http::transport t;
  t.dial_context = [&](const net::ending&, std::string_view, std::string_view) {
    ++dials;
    return std::pair(srv.dial(), error());
  };
  for (int i = 0; i < 3; i++) {
    auto [got, err] = t.round_trip(request_to("http://example.com/"));
    CHECK(got.uncompressed);
    CHECK(got.content_length == -1);
    CHECK_FALSE(got.header.has("Content-Encoding"));
    CHECK_FALSE(got.header.has("Content-Length"));
    CHECK(text_of({got, err}) == std::string(100000, 'x'));
  }
  CHECK(asked == 3);
  CHECK(dials == 1);
  CHECK(text_of(t.round_trip(request_to("http://example.com/cut"))).ends_with(" error: unexpected EOF"));
  auto [closed, err] = t.round_trip(request_to("http://example.com/"));
  CHECK(closed.body.close() == nil);
  char byte[1];
  CHECK(closed.body.read(byte).second.text() == "http: read on closed response body");

  http::request own = request_to("http://example.com/");
  own.header.set("Accept-Encoding", "gzip");
  CHECK(text_of(t.round_trip(own)) == zipped(std::string(100000, 'x')));
  asked = 0;
  http::request part = request_to("http://example.com/");
  part.header.set("Range", "bytes=0-1");
  CHECK(text_of(t.round_trip(part)) == zipped(std::string(100000, 'x')));
  CHECK(text_of(t.round_trip(request_to("http://example.com/", "HEAD"))) == "");
  CHECK(asked == 0);
}
