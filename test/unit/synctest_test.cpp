// synctest: bubbles, their clocks, what blocks durably, and what is refused.
#include <gossamer/context.hpp>
#include <gossamer/debug.hpp>
#include <gossamer/errgroup.hpp>
#include <gossamer/fiber_local.hpp>
#include <gossamer/go.hpp>
#include <gossamer/net.hpp>
#include <gossamer/os/file.hpp>
#include <gossamer/rate.hpp>
#include <gossamer/runtime.hpp>
#include <gossamer/select.hpp>
#include <gossamer/semaphore.hpp>
#include <gossamer/sync.hpp>
#include <gossamer/synctest.hpp>
#include <gossamer/time.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "child.hpp"
#include "fiber_test.hpp"
#include "net_pair.hpp"

using namespace gossamer;
using namespace std::chrono_literals;
using support::contains;
using support::panic_of;

namespace {

constexpr time::time_point first_moment{std::chrono::seconds(946'684'800)};

time::time_point on_machine(time::duration d) { return std::chrono::steady_clock::now() + d; }

}  // namespace

// ---- the clock ------------------------------------------------------------------------------------------------------

FIBER_TEST("synctest: a bubble's clock begins with the year 2000, and a sleep of a year takes no time") {
  const auto began = std::chrono::steady_clock::now();
  int calls = 0;
  synctest::test([&] {
    ++calls;
    CHECK(synctest::is_in_bubble());
    CHECK(time::now() == first_moment);
    time::sleep(24h * 365);
    CHECK(time::now() == first_moment + 24h * 365);
    CHECK(time::since(first_moment) == 24h * 365);
    time::sleep_until(first_moment + 24h * 366);
    CHECK(time::now() == first_moment + 24h * 366);
  });
  CHECK(calls == 1);
  CHECK(!synctest::is_in_bubble());
  CHECK(time::now() < first_moment);
  CHECK(std::chrono::steady_clock::now() - began < 24h);
}

PLAIN_TEST("synctest: a plain thread tests in bubbles as a fiber does") {
  int calls = 0;
  synctest::test([&] {
    time::sleep(1h);
    ++calls;
    CHECK(time::now() == first_moment + 1h);
  });
  CHECK(calls == 1);
}

FIBER_TEST("synctest: time stands still while a fiber of the bubble can run") {
  synctest::test([] {
    std::atomic<bool> computed = false;
    go([&] {
      const auto began = std::chrono::steady_clock::now();
      while (std::chrono::steady_clock::now() - began < 2ms) {
        runtime::gosched();
      }
      CHECK(time::now() == first_moment);
      computed = true;
    });
    time::sleep(1ns);
    CHECK(computed);
  });
}

FIBER_TEST("synctest: sleepers wake in the order of their times, each at its own") {
  synctest::test([] {
    std::vector<int> order;
    sync::wait_group wg;
    for (const int i : {5, 3, 9, 1, 7}) {
      wg.go([&, i] {
        time::sleep(std::chrono::hours(i));
        CHECK(time::now() == first_moment + std::chrono::hours(i));
        order.push_back(i);
      });
    }
    wg.wait();
    CHECK(order == std::vector<int>{1, 3, 5, 7, 9});
    CHECK(time::now() == first_moment + 9h);
  });
}

FIBER_TEST("synctest: several bubbles at once, each with its own clock") {
  sync::wait_group wg;
  for (int b = 1; b <= 20; ++b) {
    wg.go([b] {
      synctest::test([b] {
        sync::wait_group inside;
        for (int i = 1; i <= 10; ++i) {
          inside.go([=] {
            time::sleep(std::chrono::seconds(b * i));
            CHECK(time::now() == first_moment + std::chrono::seconds(b * i));
          });
        }
        inside.wait();
        CHECK(time::now() == first_moment + std::chrono::seconds(b * 10));
      });
    });
  }
  wg.wait();
}

FIBER_TEST("synctest: timers, tickers and functions come at their times") {
  synctest::test([] {
    const time::timer t(3s);
    CHECK(*t.c.recv() == first_moment + 3s);
    CHECK(!t.stop());
    CHECK(!t.reset(2s));
    CHECK(*t.c.recv() == first_moment + 5s);

    const time::ticker tick(1min);
    for (int i = 1; i <= 5; ++i) {
      CHECK(*tick.c.recv() == first_moment + 5s + i * 1min);
    }
    tick.stop();

    auto at = time::time_point();
    const time::timer f = time::after_func(1h, [&] {
      at = time::now();
      CHECK(synctest::is_in_bubble());
    });
    time::sleep(1h);
    synctest::wait();
    CHECK(at == first_moment + 5s + 5min + 1h);
    CHECK(!f.stop());
    CHECK(*time::after(7ms).recv() == at + 7ms);
    const time::timer stopped(1s);
    CHECK(stopped.stop());
  });
}

FIBER_TEST("synctest: a timer that is due at once comes before time moves on") {
  synctest::test([] {
    bool called = false;
    const time::timer f = time::after_func(0s, [&] { called = true; });
    synctest::wait();
    CHECK(called);
    CHECK(time::now() == first_moment);
    const time::timer t(0s);
    CHECK(*t.c.recv() == first_moment);
  });
}

FIBER_TEST("synctest: time limits of all calls that take one") {
  synctest::test([] {
    const auto ch = make_chan<int>();
    int v = 0;
    CHECK(ch.recv_until(5s, v) == channel_status::ended);
    CHECK(time::now() == first_moment + 5s);
    CHECK(ch.recv_until(first_moment + 7s, v) == channel_status::ended);
    CHECK(time::now() == first_moment + 7s);
    sync::wait_group wg;
    wg.add();
    CHECK(!wg.wait_for(1s));
    CHECK(time::now() == first_moment + 8s);
    wg.done();
    CHECK(wg.wait_for(1s));
    sync::mutex mu;
    sync::cond c;
    mu.lock();
    CHECK(!c.wait_until(mu, 2s));
    mu.unlock();
    CHECK(time::now() == first_moment + 10s);
  });
}

FIBER_TEST("synctest: contexts end at their deadlines") {
  synctest::test([] {
    const auto [ctx, cancel] = context::with_timeout(context::background(), 5s);
    time::sleep(5s - 1ns);
    synctest::wait();
    CHECK(ctx.err() == nil);
    synctest::sleep(1ns);
    CHECK(ctx.err() == context::deadline_exceeded);
    ctx.done().recv();

    const auto [early, cancel_early] = context::with_cancel(context::background());
    bool ended = false;
    const auto stop = context::after_func(early, [&] { ended = true; });
    synctest::wait();
    CHECK(!ended);
    cancel_early();
    synctest::wait();
    CHECK(ended);
    CHECK(!time::sleep_for(1h, early));
    CHECK(time::now() == first_moment + 5s);
  });
}

FIBER_TEST("synctest: pipes, rate limiters, semaphores and groups go by the bubble's clock") {
  synctest::test([] {
    auto [a, b] = net::pipe();
    CHECK(b.set_read_deadline(time::now() + 10s) == nil);
    char buf[4];
    CHECK(b.read(buf).second != nil);
    CHECK(time::now() == first_moment + 10s);
    CHECK(b.set_read_deadline(net::never) == nil);
    go([a = a] {
      time::sleep(5s);
      a.write("late");
      a.close();
    });
    CHECK(b.read(buf).first == 4);
    CHECK(time::now() == first_moment + 15s);
    CHECK(b.read(buf).first == 0);

    rate::limiter limit(rate::every(1min), 1);
    for (int i = 0; i < 4; ++i) {
      CHECK(limit.wait(context::background()) == nil);
    }
    CHECK(time::now() == first_moment + 15s + 3min);

    semaphore::weighted s(1);
    CHECK(s.acquire(context::background(), 1) == nil);
    const auto [ctx, cancel] = context::with_timeout(context::background(), 1h);
    CHECK(s.acquire(ctx, 1) == context::deadline_exceeded);
    s.release(1);

    auto [g, gctx] = errgroup::with_context(context::background());
    g.go([c = gctx]() -> error {
      c.done().recv();
      return nil;
    });
    g.go([]() -> error {
      time::sleep(1h);
      return errors::make("too late");
    });
    CHECK(g.wait().text() == "too late");
    CHECK(time::now() == first_moment + 15s + 3min + 2h);
  });
}

// ---- wait -----------------------------------------------------------------------------------------------------------

FIBER_TEST("synctest: wait returns when all others are durably blocked or have ended") {
  synctest::test([] {
    for (int round = 0; round < 20; ++round) {
      std::atomic<int> done = 0;
      sync::cond c;
      sync::mutex mu;
      sync::wait_group wg;
      wg.add();
      const auto ch = make_chan<int>();
      const auto nothing = chan<int>();
      std::vector<std::function<void()>> blocks;
      blocks.emplace_back([&] { ch.recv(); });
      blocks.emplace_back([&] { select(recv(ch, [](int) {}), recv(make_chan<int>(), [](int) {})); });
      blocks.emplace_back([&] { wg.wait(); });
      blocks.emplace_back([&] { time::sleep(1h); });
      blocks.emplace_back([&] {
        mu.lock();
        c.wait(mu);
        mu.unlock();
      });
      blocks.emplace_back([] {});
      std::atomic<int> begun = 0;
      for (const auto& block : blocks) {
        go([&, block] {
          for (int i = 0; i < 3; ++i) {
            runtime::gosched();
          }
          ++begun;
          block();
          ++done;
        });
      }
      synctest::wait();
      CHECK(begun == 6);
      CHECK(done == 1);
      ch << 1;
      ch << 2;
      wg.done();
      mu.lock();
      c.signal();
      mu.unlock();
      synctest::wait();
      CHECK(done == 5);
      synctest::sleep(1h);
      CHECK(done == 6);
    }
  });
}

FIBER_TEST("synctest: what others did before they blocked happens before wait returns") {
  synctest::test([] {
    int plain = 0;
    const auto ch = make_chan<int>();
    go([&] {
      plain = 1;
      ch.recv();
      plain = 3;
    });
    synctest::wait();
    CHECK(plain == 1);
    plain = 2;
    ch << 0;
    synctest::wait();
    CHECK(plain == 3);
  });
}

FIBER_TEST("synctest: mutexes and channels from outside do not block durably") {
  const auto outside = make_chan<int>();
  std::atomic<int> in = 0;
  go([=, &in] {
    while (in == 0) {
      runtime::gosched();
    }
    time::sleep(2ms);
    outside << 1;
  });
  sync::mutex mu;
  mu.lock();
  go([&] {
    while (in < 2) {
      runtime::gosched();
    }
    time::sleep(2ms);
    mu.unlock();
  });
  synctest::test([&] {
    const time::timer pending(1h);  // the clock would move on to it
    ++in;
    outside.recv();
    CHECK(time::now() == first_moment);
    ++in;
    mu.lock();
    CHECK(time::now() == first_moment);
    mu.unlock();
  });
}

FIBER_TEST("synctest: a limit that has come already ends a wait at once, durable or not") {
  const auto outside = make_chan<int>();
  sync::mutex held;
  held.lock();
  synctest::test([&] {
    int v = 0;
    const auto inside = make_chan<int>();
    for (const auto& ch : {outside, inside}) {
      CHECK(ch.recv_until(0s, v) == channel_status::ended);
      CHECK(ch.recv_until(-1h, v) == channel_status::ended);
      CHECK(ch.recv_until(time::now() - 1s, v) == channel_status::ended);
      CHECK(ch.recv_until(time::time_point(), v) == channel_status::ended);
    }
    CHECK(!held.try_lock_until(0s));
    CHECK(!held.try_lock_until(time::now() - 24h * 365));
    // By the machine's clock: the bubble's stands still meanwhile.
    const time::timer pending(1h);
    CHECK(inside.recv_until(on_machine(2ms), v) == channel_status::ended);
    CHECK(time::now() == first_moment);
  });
  held.unlock();
}

FIBER_TEST("synctest: a function that is due at once is called though time stands still") {
  synctest::test([] {
    sync::mutex mu;
    mu.lock();
    time::after_func(0s, [&] { mu.unlock(); });
    mu.lock();
    mu.unlock();
    const time::timer again = time::after_func(1h, [&] { mu.unlock(); });
    mu.lock();
    CHECK(again.reset(-1s));
    mu.lock();
    mu.unlock();
    CHECK(time::now() == first_moment);
  });
  bool called = false;
  synctest::test([&] {
    const auto ch = make_chan<int>();
    go([=] { ch.recv(); });
    time::after_func(0s, [=] { close(ch); });
    time::after_func(0s, [&] { called = true; });
  });
  CHECK(called);
}

FIBER_TEST("synctest: a context from outside is not the bubble's, whoever asks for its channel first") {
  const auto [ctx, cancel] = context::with_cancel(context::background());
  synctest::test([&, ctx = ctx] {
    const time::timer pending(1h);
    int v = 0;
    go([&, cancel = cancel] {
      const auto began = std::chrono::steady_clock::now();
      while (std::chrono::steady_clock::now() - began < 2ms) {
        runtime::gosched();
      }
      cancel();
    });
    CHECK(make_chan<int>().recv_until(ctx, v) == channel_status::ended);
    CHECK(time::now() == first_moment);
  });
  CHECK(ctx.err() == context::canceled);
  CHECK(!ctx.done().recv());
}

FIBER_TEST("synctest: a fiber that is locked to its thread is in the bubble as others are") {
  synctest::test([] {
    sync::wait_group wg;
    for (int i = 1; i <= 3; ++i) {
      wg.go([i] {
        runtime::lock_os_thread();
        const auto own = std::this_thread::get_id();
        for (int k = 1; k <= 20; ++k) {
          time::sleep(std::chrono::seconds(i));
          CHECK(time::now() == first_moment + std::chrono::seconds(k * i));
          CHECK(std::this_thread::get_id() == own);
        }
        runtime::unlock_os_thread();
      });
    }
    wg.wait();
    CHECK(time::now() == first_moment + 60s);
  });
}

FIBER_TEST("synctest: deadlines of sockets are as far away in the machine's time") {
  const support::bound_listener l;
  synctest::test([&] {
    auto [c, err] = net::dial("tcp", l.place());
    CHECK(err == nil);
    CHECK(c.set_read_deadline(time::now() + 3ms) == nil);
    char buf[1];
    const auto began = std::chrono::steady_clock::now();
    CHECK(errors::is(c.read(buf).second, os::deadline_exceeded));
    CHECK(std::chrono::steady_clock::now() - began >= 3ms);
    CHECK(time::now() == first_moment);
    CHECK(c.set_read_deadline(time::now() - 1s) == nil);
    CHECK(errors::is(c.read(buf).second, os::deadline_exceeded));
    c.close();
  });
}

// ---- what a bubble is -----------------------------------------------------------------------------------------------

FIBER_TEST("synctest: test returns when all fibers of the bubble have ended") {
  std::atomic<int> ended = 0;
  synctest::test([&] {
    for (int i = 0; i < 10; ++i) {
      go([&] {
        go([&] {
          runtime::gosched();
          ++ended;
        });
        runtime::gosched();
        ++ended;
      });
    }
  });
  CHECK(ended == 20);
}

FIBER_TEST("synctest: timers that are to come when main has returned do not, and what they have ends") {
  const auto held = std::make_shared<int>(1);
  time::timer outlives;
  synctest::test([&] {
    time::after_func(1h, [held] { CHECK(false); });
    outlives = time::after_func(1h, [held] { CHECK(false); });
    const auto [ctx, cancel] = context::with_timeout(context::background(), 1h);
    const time::ticker t(1s);
    const time::timer late(1h);
    static_cast<void>(context::with_timeout(ctx, 2h));
  });
  CHECK(held.use_count() == 1);
  outlives = {};
}

FIBER_TEST("synctest: destructors of fiber-locals run in the bubble") {
  struct watcher {
    std::atomic<int>* in;
    ~watcher() {
      if (in != nullptr) {
        time::sleep(1s);
        *in += synctest::is_in_bubble() ? 1 : 0;
      }
    }
  };
  static fiber_local<watcher> local;
  std::atomic<int> in = 0;
  synctest::test([&] {
    go([&] { local->in = &in; });
    local->in = &in;
  });
  CHECK(in == 2);
}

FIBER_TEST("synctest: an exception of the function is the caller's; goexit ends it as a return") {
  CHECK(panic_of([] { synctest::test([] { panic("out of it"); }); }) == "out of it");
  bool ended = false;
  synctest::test([&] {
    go([&] {
      time::sleep(1ms);
      ended = true;
    });
    time::sleep(1ms);
    runtime::goexit();
  });
  CHECK(ended);
}

FIBER_TEST("synctest: what is refused is refused in Go's words") {
  CHECK(panic_of([] { synctest::wait(); }) == "goroutine is not in a bubble");
  CHECK(panic_of([] { synctest::test([] { synctest::test([] {}); }); }) ==
        "synctest.Run called from within a synctest bubble");
  synctest::test([] {
    std::atomic<int> refused = 0;
    for (int i = 0; i < 2; ++i) {
      go([&] { refused += panic_of([] { synctest::wait(); }) == "wait already in progress" ? 1 : 0; });
    }
    while (refused == 0) {  // the first waits as long as this one runs
      runtime::gosched();
    }
    time::sleep(1ns);
    CHECK(refused == 1);
  });
}

FIBER_TEST("synctest: a wait_group is a bubble's while its count is not zero") {
  sync::wait_group wg;
  synctest::test([&] {
    wg.add();
    go([&] {
      time::sleep(1s);
      wg.done();
    });
    wg.wait();
    CHECK(time::now() == first_moment + 1s);
  });
  wg.add();
  wg.done();
  wg.wait();
  synctest::test([&] {
    wg.go([] { time::sleep(2s); });
    wg.wait();
    CHECK(time::now() == first_moment + 2s);
  });
}

// ---- deadlocks, and misuse that ends the process --------------------------------------------------------------------

CHILD_PROGRAM("synctest_all_blocked") {
  return run([] {
    std::string text = panic_of([] {
      synctest::test([] {
        const auto ch = make_chan<int>();
        go([=] { ch.recv(); });
        make_chan<int>().recv();
      });
    });
    std::puts(text.c_str());
    text = panic_of([] {
      synctest::test([] {
        go([] { make_chan<int>().recv(); });
        const time::ticker t(1s);
        t.c.recv();
      });
    });
    std::puts(text.c_str());
  });
}

FIBER_TEST("synctest: a dump says which bubble a fiber is in, and whether it waits durably") {
  sync::mutex outer;
  outer.lock();
  std::uint32_t bubbles[2];
  for (std::uint32_t& bubble : bubbles) {
    synctest::test([&] {
      const auto ch = make_chan<void>();
      go(fiber_options{.name = "receiver"}, [ch] { ch.recv(); });
      go(fiber_options{.name = "locker"}, [&] {
        const std::scoped_lock hold(outer);  // not durable
      });
      std::string text;
      CHECK(support::eventually([&] {
        text.clear();
        CHECK(!debug::dump(text));
        return contains(text, "\"receiver\" [chan receive") && contains(text, "\"locker\" [sync.Mutex.Lock");
      }));
      for (const debug::fiber_info& f : debug::fibers()) {
        bubble = f.name == "receiver" ? f.bubble : bubble;
        CHECK(f.durable == (f.name == "receiver"));
        if (f.state == runtime::status::waiting) {  // of one that runs, and is asked in vain, it is not known
          CHECK((f.bubble != 0) == (f.name == "receiver" || f.name == "locker" || f.reason.starts_with("synctest")));
        }
      }
      const std::string in = ", synctest bubble " + std::to_string(bubble) + "]";
      CHECK(contains(text, "\"receiver\" [chan receive (durable)" + in));
      CHECK(contains(text, "\"locker\" [sync.Mutex.Lock"));
      CHECK(contains(text, in + ":\n"));
      text.clear();
      CHECK(!debug::dump(text, debug::format::json));
      CHECK(contains(text, "\"bubble\": " + std::to_string(bubble) + ", \"durable\": true"));
      outer.unlock();
      close(ch);
    });
    outer.lock();
  }
  CHECK(bubbles[0] != bubbles[1]);
  outer.unlock();
  for (const debug::fiber_info& f : debug::fibers()) {
    CHECK(f.bubble == 0);
  }
}

PLAIN_TEST("synctest: a bubble that can never go on is a panic, after a dump of its fibers") {
  const auto result = support::run_child("synctest_all_blocked");
  CHECK(result.out ==
        "deadlock: all goroutines in bubble are blocked\n"
        "deadlock: main bubble goroutine has exited but blocked goroutines remain\n");
  CHECK(result.err.find("[chan receive") != std::string::npos);
}

CHILD_PROGRAM("synctest_blocking_destructor") {
  return run([] {
    struct blocks {
      ~blocks() { make_chan<int>().recv(); }
    };
    std::puts(
        panic_of([] { synctest::test([] { time::after_func(1h, [held = std::make_shared<blocks>()] {}); }); }).c_str());
  });
}

PLAIN_TEST("synctest: what a timer had that blocks where it ends counts as the bubble's") {
  const auto result = support::run_child("synctest_blocking_destructor");
  CHECK(result.out == "deadlock: main bubble goroutine has exited but blocked goroutines remain\n");
}

CHILD_PROGRAM("synctest_signal_outside") {
  return run([] {
    sync::mutex mu;
    sync::cond c;
    const auto outside = make_chan<int>();
    go([&] {
      synctest::test([&] {
        mu.lock();
        go([&] {
          mu.lock();
          mu.unlock();
          outside << 1;
          outside.recv();
        });
        c.wait(mu);
      });
    });
    outside.recv();
    time::sleep(1ms);
    c.signal();
    time::sleep(1s);
  });
}
CHILD_PROGRAM("synctest_send_outside") {
  return run([] {
    chan<int> kept;
    synctest::test([&] { kept = make_chan<int>(1); });
    kept << 1;
  });
}
CHILD_PROGRAM("synctest_recv_outside") {
  return run([] {
    chan<int> kept;
    synctest::test([&] {
      kept = make_chan<int>(1);
      kept << 1;
    });
    kept.recv();
  });
}
CHILD_PROGRAM("synctest_close_outside") {
  return run([] {
    chan<int> kept;
    synctest::test([&] { kept = make_chan<int>(); });
    close(kept);
  });
}
CHILD_PROGRAM("synctest_select_outside") {
  return run([] {
    chan<int> kept;
    synctest::test([&] { kept = make_chan<int>(); });
    synctest::test([&] { select(recv(kept, [](int) {}), recv(make_chan<int>(), [](int) {})); });
  });
}
CHILD_PROGRAM("synctest_stop_outside") {
  return run([] {
    time::timer kept;
    synctest::test([&] { kept = time::timer(1h); });
    kept.stop();
  });
}
CHILD_PROGRAM("synctest_reset_outside") {
  return run([] {
    time::ticker kept;
    synctest::test([&] { kept = time::ticker(1h); });
    kept.reset(1s);
  });
}
CHILD_PROGRAM("synctest_add_in_and_outside") {
  return run([] {
    sync::wait_group wg;
    wg.add();
    synctest::test([&] { wg.add(); });
  });
}
CHILD_PROGRAM("synctest_add_in_two") {
  return run([] {
    sync::wait_group wg;
    synctest::test([&] { wg.add(); });
    synctest::test([&] { wg.add(); });
  });
}

PLAIN_TEST("synctest: what is a bubble's is not used from outside") {
  struct {
    const char* child;
    const char* text;
  } const cases[] = {
      {"synctest_send_outside", "send on synctest channel from outside bubble"},
      {"synctest_recv_outside", "receive on synctest channel from outside bubble"},
      {"synctest_close_outside", "close of synctest channel from outside bubble"},
      {"synctest_select_outside", "select on synctest channel from outside bubble"},
      {"synctest_stop_outside", "stop of synctest timer from outside bubble"},
      {"synctest_reset_outside", "reset of synctest timer from outside bubble"},
      {"synctest_signal_outside", "semaphore wake of synctest goroutine from outside bubble"},
      {"synctest_add_in_and_outside", "sync: WaitGroup.Add called from inside and outside synctest bubble"},
      {"synctest_add_in_two", "sync: WaitGroup.Add called from multiple synctest bubbles"},
  };
  for (const auto& c : cases) {
    const auto result = support::run_child(c.child);
    CHECK(result.exited_with(2));
    CHECK(result.err.find(std::string("fatal error: ") + c.text + "\n") != std::string::npos);
  }
}

// ---- under load -----------------------------------------------------------------------------------------------------

FIBER_TEST("synctest: many fibers with many timers agree on the time") {
  synctest::test([] {
    constexpr int fibers = 200;
    std::atomic<int> steps = 0;
    for (int i = 0; i < fibers; ++i) {
      go([&, i] {
        auto at = time::now();
        for (int k = 1; k <= 20; ++k) {
          const auto d = std::chrono::milliseconds(1 + (i * 7 + k * 13) % 50);
          time::sleep(d);
          at += d;
          CHECK(time::now() == at);
          const auto ch = make_chan<int>();
          go([=] { ch << 1; });
          ch.recv();
          ++steps;
        }
      });
    }
    synctest::wait();
    CHECK(steps == 0);
    synctest::sleep(1s);
    CHECK(steps == fibers * 20);
  });
}
