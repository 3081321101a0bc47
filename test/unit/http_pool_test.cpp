// Connections that wait for requests, and requests that wait for connections. Nothing is sent here.
#include <gossamer/http/test_server.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fiber_test.hpp"
#include "http/client/pool.hpp"

using namespace gossamer;
using namespace std::chrono_literals;
using support::eventually;

namespace {

http::connect_method to(std::string_view url) { return {http::parse_url(url).first, std::nullopt}; }

// Connections in memory, whose far ends are kept. Dials wait for open().
class dialed {
 public:
  explicit dialed(http::pool_limits limits, bool open = true)
      : pool(std::make_shared<http::pool>(
            limits, [this](const http::connect_method& how, const context::context& ctx) { return dial(how, ctx); })) {
    if (open) {
      gate_.close();
    }
  }
  dialed(const dialed&) = delete;
  dialed& operator=(const dialed&) = delete;
  ~dialed() { pool->shut(); }

  void open() { gate_.close(); }
  net::conn far_end(std::size_t i) {
    const std::lock_guard hold(lock_);
    return far_.at(i);
  }

  std::atomic<int> dials = 0;
  std::atomic<int> at_once = 0;
  std::atomic<int> most = 0;
  std::atomic<bool> refuses = false;
  const std::shared_ptr<http::pool> pool;

 private:
  http::pool::made dial(const http::connect_method&, const context::context& ctx) {
    ++dials;
    if (gate_.recv_until(ctx) == channel_status::ended) {
      return {nullptr, ctx.err()};
    }
    if (refuses) {
      return {nullptr, errors::make("refused")};
    }
    auto [a, b] = http::test::memory_pipe();
    const std::lock_guard hold(lock_);
    far_.push_back(b);
    return {std::make_unique<http::persistent_conn>(
                http::made_conn{.conn = a, .to_proxy = false, .proxy_authorization = "", .tls = nullptr}),
            nullptr};
  }

  chan<void> gate_ = make_chan<void>();
  sync::mutex lock_;
  std::vector<net::conn> far_;
};

http::lent_conn take(dialed& d, const http::connect_method& m) {
  auto [c, err] = d.pool->take(m, context::background());
  CHECK(err == nil);
  return std::move(c);
}

const http::pool::counts none{};

}  // namespace

FIBER_TEST("http pool: the one that was used last is used next") {
  dialed d({.idle_per_host = 3});
  const auto m = to("http://a/");
  auto a = take(d, m);
  auto b = take(d, m);
  const net::conn last = b->conn();
  CHECK(a.give_back() == nil);
  CHECK(b.give_back() == nil);
  CHECK(d.pool->count() == http::pool::counts{.hosts = 1, .idle = 2, .connections = 2, .waiters = 0});
  auto c = take(d, m);
  CHECK(c->conn() == last);
  CHECK(c->is_reused);
  CHECK(d.dials == 2);
  c.end();
  d.pool->close_idle();
  CHECK(d.pool->count() == none);
}

FIBER_TEST("http pool: beyond the limits connections end") {
  dialed d({.idle = 3, .idle_per_host = 2});
  const auto a = to("http://a/");
  const auto b = to("http://b/");
  std::vector<http::lent_conn> all;
  for (int i = 0; i < 3; i++) {
    all.push_back(take(d, a));
  }
  const net::conn first = all[0]->conn();
  CHECK(all[0].give_back() == nil);
  CHECK(all[1].give_back() == nil);
  CHECK(all[2].give_back().text() == "http: putIdleConn: too many idle connections for host");
  all.clear();
  auto x = take(d, b);
  auto y = take(d, b);
  CHECK(x.give_back() == nil);
  CHECK(y.give_back() == nil);  // the oldest of all has to go
  CHECK(d.pool->count() == http::pool::counts{.hosts = 2, .idle = 3, .connections = 3, .waiters = 0});
  CHECK(first.write("x").second != nil);
}

FIBER_TEST("http pool: what the server has ended, or spoken on, is not used") {
  dialed d({.idle_per_host = 3});
  const auto m = to("http://a/");
  {
    auto a = take(d, m);
    auto b = take(d, m);
    auto c = take(d, m);
    CHECK(a.give_back() == nil);
    CHECK(b.give_back() == nil);
    CHECK(c.give_back() == nil);
  }
  d.far_end(1).close();
  CHECK(d.far_end(2).write("HTTP/1.1 408 \r\n\r\n").second == nil);
  auto again = take(d, m);
  CHECK(again->is_reused);
  CHECK(d.dials == 3);
  CHECK(d.pool->count().connections == 1);
}

FIBER_TEST("http pool: who waits takes what becomes free, and the new one goes to the next") {
  dialed d({.idle_per_host = 3}, false);
  const auto m = to("http://a/");
  support::crew fibers;
  std::atomic<int> got = 0;
  fibers.go([&] {
    auto first = take(d, m);
    ++got;
    CHECK(first.give_back() == nil);
  });
  fibers.go([&] {
    auto second = take(d, m);
    ++got;
    CHECK(second.give_back() == nil);
  });
  CHECK(eventually([&] { return d.dials == 2; }));
  d.open();
  fibers.join();
  CHECK(eventually([&] { return d.pool->count().idle == 2; }));
  CHECK(d.pool->count() == http::pool::counts{.hosts = 1, .idle = 2, .connections = 2, .waiters = 0});
}

FIBER_TEST("http pool: a context ends the wait, and leaves nothing behind") {
  dialed d({.per_host = 1}, false);
  const auto m = to("http://a/");
  const auto [ctx, cancel] = context::with_cancel_cause(context::background());
  const error why = errors::make("enough");
  support::crew fibers;
  for (int i = 0; i < 5; i++) {
    fibers.go([&, own = ctx] {
      auto [c, err] = d.pool->take(m, own);
      CHECK(err == why);
      CHECK_FALSE(c);
    });
  }
  CHECK(eventually([&] { return d.pool->count().waiters == 5 && d.dials == 1; }));
  cancel(why);
  fibers.join();
  CHECK(d.pool->count() == http::pool::counts{.hosts = 1, .idle = 0, .connections = 1, .waiters = 0});
  d.open();  // what was begun goes on, for others
  CHECK(eventually([&] { return d.pool->count().idle == 1; }));
  CHECK(take(d, m)->is_reused);
  CHECK(d.dials == 1);
}

FIBER_TEST("http pool: what is made for nobody ends with the idle ones") {
  dialed d({}, false);
  const auto [ctx, cancel] = context::with_cancel(context::background());
  support::crew fibers;
  fibers.go([&, own = ctx] { CHECK(d.pool->take(to("http://a/"), own).second == context::canceled); });
  CHECK(eventually([&] { return d.dials == 1; }));
  cancel();
  fibers.join();
  d.pool->close_idle();
  CHECK(eventually([&] { return d.pool->count() == none; }));
}

FIBER_TEST("http pool: what cannot be made is told to who has asked, and the next one tries") {
  dialed d({.per_host = 1});
  d.refuses = true;
  const auto m = to("http://a/");
  support::crew fibers;
  for (int i = 0; i < 10; i++) {
    fibers.go([&] { CHECK(d.pool->take(m, context::background()).second.text() == "refused"); });
  }
  fibers.join();
  CHECK(d.dials == 10);
  CHECK(eventually([&] { return d.pool->count() == none; }));
}

FIBER_TEST("http pool: 10,000 fibers, and 100 connections") {
  dialed d({.idle_per_host = 100, .per_host = 100});
  const auto m = to("http://a/");
  std::atomic<int> busy = 0;
  std::atomic<int> most = 0;
  support::crew fibers;
  for (int i = 0; i < support::scale(10000); i++) {
    fibers.go([&, i] {
      auto c = take(d, m);
      const int n = ++busy;
      int before = most.load();
      while (before < n && !most.compare_exchange_weak(before, n)) {
      }
      runtime::gosched();
      --busy;
      if (i % 7 == 0) {
        c.end();
      } else {
        static_cast<void>(c.give_back());
      }
    });
  }
  fibers.join();
  CHECK(most <= 100);
  CHECK(eventually([&] {
    const auto n = d.pool->count();
    return n.waiters == 0 && n.connections == n.idle && n.idle <= 100;
  }));
  d.pool->close_idle();
  CHECK(d.pool->count() == none);
}

FIBER_TEST("http pool: what has been idle for too long is closed") {
  dialed d({.idle_per_host = 5, .idle_time = 20ms});
  const auto m = to("http://a/");
  {
    auto a = take(d, m);
    auto b = take(d, m);
    CHECK(a.give_back() == nil);
    CHECK(b.give_back() == nil);
  }
  CHECK(eventually([&] { return d.pool->count() == none; }));
  CHECK(take(d, m).give_back() == nil);
  CHECK(eventually([&] { return d.pool->count() == none; }));
}

FIBER_TEST("http pool: what the server has ended is closed though nobody asks for it") {
  dialed d({.idle_per_host = 5, .look_time = 5ms});
  const auto m = to("http://a/");
  {
    auto a = take(d, m);
    auto b = take(d, m);
    CHECK(a.give_back() == nil);
    CHECK(b.give_back() == nil);
  }
  d.far_end(0).close();
  CHECK(eventually([&] { return d.pool->count().idle == 1; }));
  CHECK(d.pool->count().connections == 1);
  d.far_end(1).close();
  CHECK(eventually([&] { return d.pool->count() == none; }));
}

FIBER_TEST("http pool: without keeping each connection is a new one") {
  dialed d({.keeps = false});
  const auto m = to("http://a/");
  for (int i = 0; i < 3; i++) {
    CHECK(take(d, m).give_back().text() == "http: putIdleConn: keep alives disabled");
  }
  CHECK(d.dials == 3);
  CHECK(d.pool->count() == none);
}

FIBER_TEST("http pool: what the server has ended, or spoken on, is not handed on, and who waits stays first") {
  for (const bool speaks : {false, true}) {
    dialed d({.per_host = 1});
    const auto m = to("http://a/");
    auto first = take(d, m);
    const net::conn old = first->conn();
    std::atomic<int> served = 0;
    support::crew fibers;
    for (int i = 0; i < 3; i++) {
      fibers.go([&, i] {
        auto c = take(d, m);
        CHECK(served++ == i);
        CHECK(c->conn() != old);
        CHECK(c.give_back() == nil);
      });
      CHECK(eventually([&] { return d.pool->count().waiters == static_cast<std::size_t>(i) + 1; }));
    }
    if (speaks) {
      CHECK(d.far_end(0).write("HTTP/1.1 408 \r\n\r\n").second == nil);
    } else {
      d.far_end(0).close();
    }
    CHECK(first.give_back() == nil);
    fibers.join();
    CHECK(d.dials == 2);
    CHECK(d.pool->count() == http::pool::counts{.hosts = 1, .idle = 1, .connections = 1, .waiters = 0});
  }
}
