// The examples at the heads of public headers, line for line: tools/check_docs.py holds each to its header.
#include <gossamer/io.hpp>
#include <gossamer/net.hpp>

#include <deque>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fiber_test.hpp"

using namespace gossamer;

// As the headers have them.
// clang-format off

namespace {

int compute() { return 7; }

// select.hpp
std::string outcome_of(const chan<int>& a, const chan<int>& b, int& v, bool& ok, int x) {
  switch (select(recv(a, v, ok), send(b, x), otherwise)) {
    case 0: return ok ? "received" : "closed";
    case 1: return "sent";
    default: return "nothing was ready";
  }
}

// context.hpp
error lock_within(sync::mutex& mu) {
  auto [ctx, cancel] = context::with_timeout(context::background(), 1s);
  defer d1{cancel};
  if (!mu.try_lock_until(ctx)) return ctx.err();
  mu.unlock();
  return nil;
}

error fetch(const context::context& ctx, const std::string& url) {
  return ctx.err() ? ctx.err() : url.empty() ? errors::make("no url") : error();
}

// errgroup.hpp
error fetch_all(const context::context& parent, const std::vector<std::string>& urls) {
  auto [g, ctx] = errgroup::with_context(parent);
  for (const auto& url : urls) g.go([=]() -> error { return fetch(ctx, url); });
  if (error err = g.wait()) return err;
  return nil;
}

// net.hpp
error serve_echo(std::string_view address, const chan<net::listener>& started) {
  const auto [l, err] = net::listen("tcp", address);
  if (err) return err;
  started << l;
  for (;;) {
    const auto [c, closed] = l.accept();
    if (closed) break;
    go([c = c] {
      char buf[4096];
      for (;;) {
        const auto [n, over] = c.read(buf);
        if (over) break;
        c.write(std::string_view(buf, n));
      }
      c.close();
    });
  }
  return nil;
}

}  // namespace

FIBER_TEST("the example of chan sends, closes and ranges") {
  int sum = 0;
  auto ch = make_chan<int>(2);
  go([ch] {
    for (int i = 0; i < 3; ++i) ch << i;
    close(ch);
  });
  for (const int v : ch) sum += v;
  CHECK(sum == 3);
}

FIBER_TEST("the examples of select choose what is ready, by number and by function") {
  auto a = make_chan<int>(1), b = make_chan<int>(1);
  int v = 0, sum = 0, sent = 0, idle = 0;
  const int x = 2;
  bool ok = false;
  for (const char* expected : {"sent", "nothing was ready"}) {
    CHECK(outcome_of(a, b, v, ok, x) == expected);
  }
  a << 5;
  CHECK(outcome_of(a, b, v, ok, x) == "received");
  CHECK(v == 5);
  // b is full: nothing, then what a has, then what b takes.
  const auto choose = [&] {
  select(recv(a, [&](int got) { sum += got; }), send(b, x, [&] { ++sent; }), otherwise([&] { ++idle; }));
  };
  choose();
  CHECK(idle == 1);
  a << 9;
  choose();
  CHECK(sum == 9);
  CHECK(b.recv() == 2);
  choose();
  CHECK(sent == 1);
  close(a);
  CHECK(outcome_of(a, nil, v, ok, x) == "closed");
}

FIBER_TEST("the examples of mutex, wait_group and cond count, collect and wait") {
  int count = 0;
  {
    sync::wait_group wg;
    sync::mutex mu;
    for (int i = 0; i < 3; ++i) wg.go([&] {
      const std::scoped_lock hold(mu);
      ++count;
    });
    wg.wait();
  }
  CHECK(count == 3);
  std::vector<int> results(3);
  {
    sync::wait_group wg;
    for (int& result : results) wg.go([&result] { result = compute(); });
    wg.wait();
  }
  CHECK(results == std::vector<int>{7, 7, 7});
  sync::mutex mu;
  sync::cond changed;
  std::deque<int> queue;
  go([&] {
    const std::scoped_lock put(mu);
    queue.push_back(4);
    changed.signal();
  });
  std::unique_lock hold(mu);
  changed.wait(hold, [&] { return !queue.empty(); });
  const int next = queue.front();
  CHECK(next == 4);
}

FIBER_TEST("the examples of context and errgroup end with the error that there was") {
  sync::mutex mu;
  CHECK(!lock_within(mu));
  CHECK(!fetch_all(context::background(), {"a", "b"}));
  CHECK(fetch_all(context::background(), {"a", ""}).text() == "no url");
}

FIBER_TEST("the example of net echoes until its listener is closed") {
  const auto started = make_chan<net::listener>();
  support::crew server;
  server.go([started] { CHECK(serve_echo("127.0.0.1:0", started) == nil); });
  const net::listener l = *started.recv();
  const auto [c, err] = net::dial("tcp", l.addr().text());
  CHECK(!err);
  CHECK(c.write("hello").first == 5);
  char room[5];
  CHECK(io::read_full(c, std::as_writable_bytes(std::span(room))).first == 5);
  CHECK(std::string_view(room, 5) == "hello");
  c.close();
  l.close();
  server.join();
}
