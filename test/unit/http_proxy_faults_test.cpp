// The reverse proxy where one of those that it stands between goes away, stalls, or says too much.
#include <gossamer/http/reverse_proxy.hpp>
#include <gossamer/http/test.hpp>
#include <gossamer/io.hpp>

#include <atomic>
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

constexpr std::string_view get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::string_view upgrade = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n";

http::reverse_proxy proxy_to(http::round_tripper upstream) {
  http::reverse_proxy proxy;
  proxy.rewrite = [](http::proxy_request& p) { p.set_url(http::parse_url("http://backend").first); };
  proxy.transport = std::move(upstream);
  return proxy;
}

// A server of a proxy to `upstream`, started.
struct proxying : served {
  explicit proxying(http::round_tripper upstream) : served(proxy_to(std::move(upstream))) { start(); }
};

// A body that has `text` and then fails with `why`.
struct failing_body {
  std::shared_ptr<io::string_reader> text;
  error why;
  io::result read(std::span<std::byte> to) const {
    auto r = text->read(to);
    return r.second == io::eof ? io::result{0, why} : r;
  }
};

// A body of which nothing comes until the request has ended.
struct stalling_body {
  context::context ctx;
  io::result read(std::span<std::byte>) const {
    ctx.done().recv();
    return {0, ctx.err()};
  }
};

// Joined with `back` when it has been asked.
http::round_tripper switching_to(net::conn back) {
  return [back = std::move(back)](const http::request&) -> http::round_trip_result {
    http::response res = answer_of(back, -1, 101);
    res.header = {{"Connection", "Upgrade"}, {"Upgrade", "lines"}};
    return {std::move(res), nullptr};
  };
}

}  // namespace

FIBER_TEST("http reverse_proxy: a client sees that an answer is not whole") {
  for (const std::int64_t length : {std::int64_t{-1}, std::int64_t{10'000}}) {
    const std::string text = pattern(9'000);
    proxying s([&](const http::request&) -> http::round_trip_result {
      return {answer_of(io::nop_closer(failing_body{std::make_shared<io::string_reader>(text), io::unexpected_eof}),
                        length),
              nullptr};
    });
    const std::string answer = ask(s, get);
    CHECK(answer.starts_with("HTTP/1.1 200 OK"));
    CHECK(answer.size() > 9'000);
    CHECK_FALSE(answer.ends_with("0\r\n\r\n"));
    CHECK(answer.size() < 10'000);
    s.stop();
    CHECK(s.log() == "httputil: ReverseProxy read error during body copy: unexpected EOF\n");
  }
}

FIBER_TEST("http reverse_proxy: a client that goes ends the request that waits for an answer") {
  chan<error> ended = make_chan<error>(1);
  chan<void> waits = make_chan<void>();
  proxying s([&](const http::request& r) -> http::round_trip_result {
    waits.close();
    r.context().done().recv();
    ended.send(r.context().err());
    return {{}, r.context().err()};
  });
  const net::conn c = s.dial();
  CHECK(c.write(get).second == nil);
  waits.recv();
  c.close();
  CHECK(ended.recv() == context::canceled);
  s.stop();
  CHECK(s.log() == "http: proxy error: context canceled\n");
}

FIBER_TEST("http reverse_proxy: a client that goes ends the answer that stalls") {
  proxying s([&](const http::request& r) -> http::round_trip_result {
    return {answer_of(io::nop_closer(stalling_body{r.context()})), nullptr};
  });
  const net::conn c = s.dial();
  CHECK(c.write(get).second == nil);
  CHECK(read_until(c, "\r\n\r\n").starts_with("HTTP/1.1 200 OK"));
  c.close();
  s.stop();
  CHECK(s.log().empty());
}

FIBER_TEST("http reverse_proxy: a client that goes in mid-upload is known by what its body fails with") {
  error seen;
  chan<void> begun = make_chan<void>();
  proxying s([&](const http::request& r) -> http::round_trip_result {
    begun.close();
    auto [body, err] = io::read_all(r.body);
    CHECK(body == "half");
    seen = err;
    r.body.close();
    return {{}, err};
  });
  const net::conn c = s.dial();
  CHECK(c.write("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nhalf").second == nil);
  begun.recv();
  c.close();
  s.stop();
  CHECK(seen == io::unexpected_eof);
  CHECK(s.log() == "http: proxy error: unexpected EOF\n");
}

FIBER_TEST("http reverse_proxy: an early answer does not wait for a client that sends no more") {
  crew reading;
  std::atomic<bool> over = false;
  proxying s([&](const http::request& r) -> http::round_trip_result {
    char some[4];
    CHECK(r.body.read(some).first == 4);
    reading.go([&over, body = r.body] {
      CHECK(io::read_all(body).second.text() == "http: invalid Read on closed Body");
      body.close();
      over = true;
    });
    return {answer_of("enough", 413), nullptr};
  });
  const net::conn c = s.dial();
  CHECK(c.write("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 800000\r\n\r\nsome").second == nil);
  const std::string answer = read_to_end(c);
  CHECK(answer.starts_with("HTTP/1.1 413"));
  CHECK(answer.ends_with("enough"));
  reading.join();
  CHECK(over);
  c.close();
}

FIBER_TEST("http reverse_proxy: as many bytes as go in come out, both ways at once") {
  proxying s([](const http::request& r) -> http::round_trip_result { return {answer_of(r.body), nullptr}; });
  const std::string sent = pattern(1'000'000 / slowdown);
  const net::conn c = s.dial();
  crew sending;
  sending.go([&] {
    CHECK(c.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(sent.size()) + "\r\n\r\n").second ==
          nil);
    CHECK(c.write(sent).second == nil);
  });
  http_answers answers(c);
  CHECK(answers.next());
  CHECK((answers.body == sent));
  sending.join();
  c.close();
}

FIBER_TEST("http reverse_proxy: either side ends a connection that was joined") {
  for (const bool by_client : {false, true}) {
    auto [own, back] = test::memory_pipe();
    proxying s(switching_to(back));
    const net::conn c = s.dial();
    CHECK(c.write(upgrade).second == nil);
    CHECK(read_until(c, "\r\n\r\n").starts_with("HTTP/1.1 101"));
    const net::conn& leaves = by_client ? c : own;
    const net::conn& stays = by_client ? own : c;
    CHECK(leaves.close() == nil);
    CHECK(read_all(stays) == std::pair(std::string(), error()));
    stays.close();
  }
}

FIBER_TEST("http reverse_proxy: a client that is reset while much is sent to it ends the other side") {
  auto [own, back] = test::memory_pipe();
  proxying s(switching_to(back));
  const net::conn c = s.dial();
  CHECK(c.write(upgrade).second == nil);
  CHECK(read_until(c, "\r\n\r\n").starts_with("HTTP/1.1 101"));
  CHECK(c.set_linger(0) == nil);
  CHECK(c.close() == nil);
  CHECK(eventually([&, own = own] { return own.write("more").second != nil; }));
  own.close();
}

FIBER_TEST("http reverse_proxy: an upstream that has gone before 101 was passed on") {
  auto [own, back] = test::memory_pipe();
  own.close();
  proxying s(switching_to(back));
  const std::string answer = ask(s, upgrade);
  CHECK(answer.starts_with("HTTP/1.1 101"));
  CHECK(answer.ends_with("\r\n\r\n"));
}

FIBER_TEST("http reverse_proxy: lists of very many names do not take long") {
  std::string names = "a";
  for (int i = 0; i < 40'000; i++) {
    names += "," + std::to_string(i);
  }
  proxying s([&](const http::request& r) -> http::round_trip_result {
    CHECK(r.header.size() == 2);
    http::response res = answer_of("text");
    res.header.set("Connection", names);
    res.header.set("Kept", "1");
    res.trailer = std::make_shared<http::header>();
    for (int i = 0; i < 40'000; i++) {
      res.trailer->add(std::to_string(i), "x");
    }
    return {std::move(res), nullptr};
  });
  const std::string answer =
      ask(s, "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nConnection: " + names +
                 "\r\nKept: 1\r\nTrailer: " + names + "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  CHECK(field_of(answer, "Kept") == "1");
  CHECK(answer.find("\r\nTrailer") == answer.npos);
}
