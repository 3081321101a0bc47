// Timers and tickers (docs/go-semantics.md, TI2 to TI9): from fibers, from plain threads, and from several at once.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/rng.hpp"
#include "gossamer/detail/select_core.hpp"
#include "inside.hpp"
#include "sched/scheduler.hpp"
#include "sched/worker.hpp"
#include "tracked.hpp"

using namespace gossamer;
using support::eventually;
using support::scale;
using support::width;
using tp = time::time_point;

namespace {

using times = recv_chan<tp>;

// select { case v := <-c: default: }
std::optional<tp> received_now(const times& c) {
  tp v;
  detail::select_op op{.channel = detail::access::core(c), .value = &v};
  const std::size_t i = detail::chan_select({.ops = &op, .n = 1, .blocks = false, .where = {}});
  return i == 0 && op.ok ? std::optional(v) : std::nullopt;
}

bool await_sent(const times& c) {
  return eventually([&] { return detail::access::core(c)->count > 0; });
}

// What all timer heaps hold.
std::size_t armed() {
  std::size_t n = 0;
  for (int i = 0; i < sched::the_scheduler.threads(); ++i) {
    n += sched::the_scheduler.at(i).timers().size();
  }
  return n;
}

struct tracked : support::life<tracked> {};
int closures() { return support::census<tracked>::alive; }

}  // namespace

FIBER_TEST("since and until measure on the clock of their time point") {
  const tp begin = time::now();
  time::sleep(1ms);
  CHECK(time::since(begin) >= 1ms);
  CHECK(time::until(begin) <= -1ms);
  CHECK(time::until(time::now() + 1h) > 59min);
  CHECK(time::since(std::chrono::system_clock::now() - 1h) >= 1h - 1s);
  sync::mutex m;
  m.lock();
  CHECK(!m.try_lock_until(time::now() + 100us));
  m.unlock();
}

FIBER_TEST("TI4: a timer sends, once, the time at which it was due") {
  for (const auto d : {1ns, 50'000ns, 3'000'000ns}) {
    const tp begin = time::now();
    const auto t = time::new_timer(d);
    const tp end = time::now();
    const tp due = *t.c;
    CHECK(time::now() >= due);
    CHECK(due >= begin + d);
    CHECK(due <= end + d);
    CHECK(!received_now(t.c));
    CHECK(!t.stop());
  }
  const tp begin = time::now();
  CHECK(*time::after(2ms) >= begin + 2ms);
}

FIBER_TEST("a timer of nothing or less has its time ready at once") {
  CHECK(received_now(time::after(0s)));
  CHECK(received_now(time::new_timer(-1h).c));
  const time::timer t(1h);
  CHECK(t.reset(-1s));
  CHECK(received_now(t.c));
  support::crew waits;
  waits.go([&] {
    const tp due = *t.c;
    CHECK(due <= time::now());
  });
  CHECK(support::await_receivers(t.c, 1));
  CHECK(!t.reset(0s));
}

FIBER_TEST("CH4: the channel of a timer looks unbuffered, before and after it has fired") {
  const auto t = time::new_timer(100us);
  const auto k = time::new_ticker(100us);
  for (int i = 0; i < 2; ++i) {
    CHECK(len(t.c) == 0);
    CHECK(cap(t.c) == 0);
    CHECK(k.c.len() == 0);
    CHECK(k.c.cap() == 0);
    CHECK(await_sent(t.c));
    CHECK(await_sent(k.c));
  }
  k.stop();
}

FIBER_TEST("TI2: stop, stop, reset, reset of a running timer are true, false, false, true") {
  for (const auto again : {std::chrono::nanoseconds(1h), std::chrono::nanoseconds::max()}) {
    const time::timer t(1h);
    CHECK(t.stop());
    CHECK(!t.stop());
    CHECK(!t.reset(again));
    CHECK(t.reset(again));
    CHECK(t.stop());
  }
  std::atomic<int> calls = 0;
  const auto f = time::after_func(1h, [&] { ++calls; });
  CHECK(f.c == nil);
  CHECK(f.stop());
  CHECK(!f.stop());
  CHECK(!f.reset(1h));
  CHECK(f.reset(1h));
  CHECK(f.stop());
  CHECK(calls == 0);
}

FIBER_TEST("TI2: a timer that has fired unread counts as running, and stop takes its time back") {
  const time::timer t(10us);
  CHECK(await_sent(t.c));
  CHECK(t.stop());
  CHECK(!received_now(t.c));
  CHECK(!t.stop());
}

FIBER_TEST("TI2: after a reset no time from before it is received") {
  const time::timer t(10us);
  for (int i = 0; i < 20; ++i) {
    CHECK(await_sent(t.c));
    const tp begin = time::now();
    CHECK(t.reset(50us));
    CHECK(*t.c >= begin + 50us);
    CHECK(!t.reset(10us));
  }
}

FIBER_TEST("TI2: a receiver that waits already gets the time of the reset") {
  const time::timer t(1h);
  support::crew waits;
  const tp begin = time::now();
  waits.go([&] { CHECK(*t.c >= begin + 1ms); });
  CHECK(support::await_receivers(t.c, 1));
  CHECK(t.reset(1ms));
}

FIBER_TEST("TI3: after_func calls in a fiber of its own, once; stop is true if it prevented that") {
  std::atomic<int> calls = 0;
  const tp begin = time::now();
  auto early = make_chan<bool>(1);
  const auto t = time::after_func(1ms, [&calls, begin, early] {
    ++calls;
    time::sleep(100us);  // it may block
    early << (time::now() < begin + 1ms);
  });
  CHECK(!*early);
  CHECK(calls == 1);
  CHECK(!t.stop());
  CHECK(!t.reset(1us));  // and calls again
  CHECK(!*early);
  CHECK(calls == 2);
  CHECK(!t.reset(1h));
  CHECK(t.stop());
}

FIBER_TEST("TI3: an after_func that nobody holds is called, and its function ends with the call") {
  auto called = make_chan<void>(1);
  time::after_func(100us, [called, life = tracked()] { called.send(); });
  CHECK(called.recv());
  CHECK(eventually([] { return closures() == 0; }));
  // Held, it lives for another reset; and a function that can only be moved will do.
  auto t = time::after_func(0s, [called, life = std::make_unique<tracked>()] { called.send(); });
  called.recv();
  CHECK(closures() == 1);
  CHECK(!t.reset(10us));
  called.recv();
  t = nil;
  CHECK(eventually([] { return closures() == 0; }));
  // So does a large one, and one that can only be moved; one that cannot be copied now makes no timer.
  t = time::after_func(10us, [called, life = tracked(), large = std::array<char, 200>()] {
    if (large[100] == 0) {
      called.send();
    }
  });
  called.recv();
  struct refuses {
    refuses() = default;
    refuses(const refuses&) { throw 7; }
    void operator()() const {}
    tracked life;
  };
  const refuses f;
  CHECK_THROWS_AS(time::after_func(1h, f), int);
  CHECK(armed() == 0);
  t = nil;
  CHECK(eventually([] { return closures() == 1; }));
  t = time::after_func(1h, [life = tracked()] {});
  CHECK(t.stop());
  t = nil;
  CHECK(closures() == 1);
  CHECK(armed() == 0);
}

FIBER_TEST("TI5: ticks come at whole periods; a slow reader misses those in between, but for one") {
  const auto period = 200us;
  const tp begin = time::now();
  const time::ticker t(period);
  const tp first = *t.c;
  CHECK(first >= begin + period);
  tp last = first;
  for (int i = 0; i < 10; ++i) {
    if (i % 3 == 0) {
      time::sleep(1ms);
    }
    const tp next = *t.c;
    CHECK(next > last);
    CHECK((next - first) % period == 0ns);
    CHECK(next <= time::now());
    last = next;
  }
  t.stop();
}

FIBER_TEST("TI5: each tick is later than the one before, whichever workers fire them") {
  sync::wait_group all;
  for (int i = 0; i < 8; ++i) {
    all.go([i] {
      const time::ticker t(std::chrono::microseconds(1 + 2 * i));
      tp last = *t.c;
      for (int ticks = scale(2000); ticks > 0; --ticks) {
        const tp next = *t.c;
        CHECK(next > last);
        last = next;
      }
    });
  }
  all.wait();
}

FIBER_TEST("TI5: the tick that is pending is the first that was missed") {
  const time::ticker t(100us);
  const tp first = *t.c;
  CHECK(await_sent(t.c));
  const tp pending = *received_now(t.c);
  time::sleep(2ms);
  CHECK(pending > first);
  const tp next = *t.c;
  CHECK(next > pending);
  t.stop();
}

FIBER_TEST("TI5: a ticker that is reset starts its period anew, with nothing pending") {
  const time::ticker t(50us);
  CHECK(await_sent(t.c));
  const tp begin = time::now();
  t.reset(3ms);
  CHECK(*t.c >= begin + 3ms);
  t.reset(1h);
  CHECK(!received_now(t.c));
  t.reset(100us);
  CHECK(t.c.recv());
  CHECK(t.c.recv());
  t.stop();
}

FIBER_TEST("TI5: stop ends the ticks, discards one that is pending, and does not close the channel") {
  const time::ticker t(20us);
  CHECK(await_sent(t.c));
  t.stop();
  CHECK(!received_now(t.c));
  time::sleep(1ms);
  CHECK(!received_now(t.c));
  CHECK(!detail::access::core(t.c)->closed);
  t.stop();
  t.reset(20us);
  CHECK(t.c.recv());
  t.stop();
  CHECK(armed() == 0);
}

FIBER_TEST("TI6: misuse panics with Go's words") {
  using support::panic_of;
  CHECK(panic_of([] { (void)time::new_ticker(0s); }) == "non-positive interval for NewTicker");
  CHECK(panic_of([] { time::ticker t(-1s); }) == "non-positive interval for NewTicker");
  const time::ticker t(1h);
  CHECK(panic_of([&] { t.reset(0s); }) == "non-positive interval for Ticker.Reset");
  CHECK(panic_of([] { time::timer().stop(); }) == "time: Stop called on uninitialized Timer");
  CHECK(panic_of([] { time::timer().reset(1s); }) == "time: Reset called on uninitialized Timer");
  CHECK(panic_of([] { time::ticker().reset(1s); }) == "time: Reset called on uninitialized Ticker");
  time::ticker().stop();
  CHECK(time::tick(0s) == nil);
  CHECK(time::tick(-1s) == nil);
  CHECK(time::tick(1h) != nil);
  CHECK(time::timer() == nil);
  CHECK(!time::timer());
}

FIBER_TEST("TI7: a maximal duration never fires, and is in no heap") {
  std::atomic<int> calls = 0;
  const time::timer t(std::chrono::nanoseconds::max());
  const time::timer u(std::chrono::hours::max());
  const time::ticker k(std::chrono::duration<double>(1e300));
  const auto f = time::after_func(std::chrono::nanoseconds::max(), [&] { ++calls; });
  CHECK(armed() == 0);
  time::sleep(1ms);
  CHECK(!received_now(t.c));
  CHECK(!received_now(u.c));
  CHECK(!received_now(k.c));
  CHECK(t.stop());
  CHECK(u.reset(10us));
  CHECK(u.c.recv());
  CHECK(f.stop());
  CHECK(calls == 0);
}

FIBER_TEST("TI7: random timers fire when they are due, none early, in due order") {
  struct bounds {
    tp earliest;  // that it may be due
    tp latest;
    tp seen{};
    pid_t thread = 0;
  };
  const int count = scale(3000);
  base::rng r(static_cast<std::uint64_t>(width()));
  std::vector<bounds> timers(static_cast<std::size_t>(count));
  std::vector<std::size_t> order(timers.size());
  std::atomic<std::size_t> fired = 0;
  sync::wait_group all;
  all.add(count);
  int stopped = 0;
  for (bounds& b : timers) {
    const auto d = std::chrono::nanoseconds(r.below(20'000'000));
    b.earliest = time::now() + d;
    const auto t = time::after_func(d, [&] {
      b.seen = time::now();
      b.thread = ::gettid();
      order[fired++] = static_cast<std::size_t>(&b - timers.data());  // nothing here gives way to another
      all.done();
    });
    b.latest = time::now() + d;
    if (r.below(3) == 0 && t.stop()) {
      ++stopped;
      all.done();
    }
  }
  CHECK(all.wait_for(support::patience));
  all.wait();
  CHECK(fired == static_cast<std::size_t>(count - stopped));
  order.resize(fired);
  int early = 0;
  int swapped = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const bounds& b = timers[order[i]];
    early += b.seen < b.earliest ? 1 : 0;
    swapped += i > 0 && b.latest < timers[order[i - 1]].earliest ? 1 : 0;
  }
  CHECK(early == 0);
  // Several workers may run two fibers in any order: also one, and the other that stood in for it.
  const bool by_one = std::all_of(order.begin(), order.end(),
                                  [&](std::size_t i) { return timers[i].thread == timers[order[0]].thread; });
  if (width() == 1 && by_one) {
    CHECK(swapped == 0);
  }
}

FIBER_TEST("TI7: what is sent on one channel after the other comes in due order, whoever fires it") {
  constexpr int count = 40;
  std::vector<time::timer> timers;
  base::rng r(3);
  for (int i = 0; i < count; ++i) {
    timers.emplace_back(std::chrono::microseconds(r.below(3000)));
  }
  std::vector<detail::select_op> ops(count);
  std::vector<tp> values(count);
  int wrong = 0;
  for (int i = 0; i < count; ++i) {
    for (std::size_t k = 0; k < count; ++k) {
      ops[k] = {.channel = detail::access::core(timers[k].c), .value = &values[k]};
    }
    const std::size_t chosen = detail::chan_select({.ops = ops.data(), .n = count, .blocks = true, .where = {}});
    wrong += ops[chosen].ok && values[chosen] <= time::now() ? 0 : 1;
    timers[chosen].c = nil;
  }
  CHECK(wrong == 0);
}

FIBER_TEST("TI9: timers that nobody holds leave the heap, and their functions end") {
  const int count = scale(100'000);
  for (int i = 0; i < count; ++i) {
    switch (i % 4) {
      case 0:
        (void)time::after(1h);
        break;
      case 1:
        (void)time::new_ticker(1h);
        break;
      case 2: {
        const times c = time::new_timer(1h).c;
        const times copy = c;
        break;
      }
      default:
        CHECK(time::after_func(1h, [life = tracked()] {}).stop());
    }
  }
  CHECK(armed() == 0);
  CHECK(closures() == 0);
  std::vector<time::timer> many;
  for (int i = 0; i < count; ++i) {
    many.emplace_back(1h + std::chrono::seconds(i * 7919 % 1000));
  }
  CHECK(armed() == static_cast<std::size_t>(count));
  many.clear();
  CHECK(armed() == 0);
}

FIBER_TEST("TI9: a channel keeps its timer, also without the handle; a handle does without the channel") {
  times c = time::new_timer(1ms).c;
  time::timer t(1ms);
  t.c = nil;
  CHECK(c.recv());
  CHECK(t.reset(1h));
  CHECK(t.stop());
}

FIBER_TEST("a timer may be dropped while it fires") {
  base::rng r(11);
  support::crew others;
  for (int k = 0; k < 4; ++k) {
    others.go([seed = r.below(1000)] {
      base::rng mine(seed);
      for (int i = 0; i < scale(1500); ++i) {
        time::timer t{std::chrono::microseconds(mine.below(60))};
        time::ticker ticks{std::chrono::microseconds(1 + mine.below(20))};
        time::after_func(std::chrono::microseconds(mine.below(60)), [life = tracked()] {});
        const auto stopped =
            time::after_func(std::chrono::microseconds(mine.below(60)), [life = tracked()] { runtime::gosched(); });
        if (mine.below(2) == 0) {
          time::sleep(std::chrono::microseconds(mine.below(80)));
        }
        if (mine.below(2) == 0) {
          stopped.stop();
        }
      }
    });
  }
  others.join();
  CHECK(eventually([] { return closures() == 0; }));
  CHECK(eventually([] { return armed() == 0; }));
}

// Each start of an after_func ends in one call, unless a stop or a reset says that it has prevented it.
FIBER_TEST("TI3: of a timer that several stop and reset at once, each start is called or prevented, never both") {
  std::atomic<int> calls = 0;
  std::atomic<int> starts = 1;
  std::atomic<int> prevented = 0;
  const auto t = time::after_func(20us, [&] { ++calls; });
  {
    support::crew others;
    for (int k = 0; k < 5; ++k) {
      others.go([&, k] {
        base::rng r(static_cast<std::uint64_t>(k));
        for (int i = 0; i < scale(4000); ++i) {
          if (r.below(3) == 0) {
            prevented += t.stop() ? 1 : 0;
          } else {
            ++starts;
            prevented += t.reset(std::chrono::microseconds(r.below(40))) ? 1 : 0;
          }
          if (r.below(4) == 0) {
            time::sleep(std::chrono::microseconds(r.below(40)));
          }
        }
      });
    }
  }
  prevented += t.stop() ? 1 : 0;
  CHECK(eventually([&] { return calls + prevented == starts; }));
  time::sleep(1ms);
  CHECK(calls + prevented == starts);
  CHECK(calls > 0);
}

FIBER_TEST("TI2: beside others that receive, what comes after a stop and a reset is never from before") {
  const time::timer t(1h);
  std::atomic<bool> stop = false;
  std::atomic<int> seen = 0;
  support::crew others;
  others.go([&] {  // somebody who takes some of them away
    while (!stop) {
      seen += received_now(t.c) ? 1 : 0;
      time::sleep(70us);
    }
  });
  int stale = 0;
  base::rng r(5);
  for (int i = 0; i < scale(3000); ++i) {
    t.stop();
    if (auto v = received_now(t.c)) {
      ++stale;
    }
    const tp begin = time::now();
    const auto d = std::chrono::microseconds(1 + r.below(30));
    t.reset(d);
    if (r.below(2) == 0) {
      time::sleep(std::chrono::microseconds(r.below(60)));
    }
    if (auto v = received_now(t.c)) {
      stale += *v < begin + d ? 1 : 0;
      ++seen;
    }
  }
  stop = true;
  CHECK(stale == 0);
}

PLAIN_TEST("plain threads use timers, with no run() at work") {
  const tp begin = time::now();
  CHECK(*time::after(2ms) >= begin + 2ms);
  const time::ticker k(100us);
  for (int i = 0; i < 5; ++i) {
    CHECK(k.c.recv());
  }
  k.stop();
  auto called = make_chan<int>();
  const auto t = time::after_func(100us, [=] { called << 1; });
  CHECK(*called == 1);
  CHECK(!t.reset(50us));
  CHECK(*called == 1);
  time::sleep(20ms);  // until the workers sleep for good
  CHECK(time::new_timer(1ms).c.recv());
}

FIBER_TEST("plain threads arm timers of sleeping workers, and stop those of fibers") {
  auto held = std::make_shared<time::timer>(1h);
  auto fired = make_chan<int>(8);
  auto over = make_chan<void>(1);
  std::thread outside([=] {
    std::this_thread::sleep_for(std::chrono::milliseconds(8));  // until the workers sleep
    time::after_func(100us, [=] { fired << 1; });
    CHECK(held->reset(200us));
    for (int i = 0; i < 100; ++i) {
      const time::timer dropped(30us);
      time::after_func(std::chrono::microseconds(i), [] {});
    }
    CHECK(time::after(50us).recv());
    over.send();
  });
  CHECK(held->c.recv());
  CHECK(*fired == 1);
  CHECK(over.recv());  // the thread needs the worker that join() would block
  outside.join();
}

PLAIN_TEST("timers of a run that has ended do not fire in the next") {
  static std::atomic<int> calls{0};
  time::timer t;
  time::timer f;
  time::ticker k;
  run([&] {
    t = time::new_timer(1ms);
    k = time::new_ticker(1ms);
    f = time::after_func(1ms, [] { ++calls; });
  });
  const int before = calls;  // it may have been called at the very end
  run([&] {
    time::sleep(5ms);
    CHECK(calls == before);
    t.stop();
    CHECK(!received_now(t.c));
    CHECK(!t.reset(10us));
    CHECK(t.c.recv());
    k.reset(10us);
    CHECK(k.c.recv());
    f.reset(10us);
    CHECK(eventually([&] { return calls == before + 1; }));
  });
  CHECK(armed() == 0);
}

FIBER_TEST("sleep_until wakes at its time, on any clock") {
  const tp at = time::now() + 2ms;
  time::sleep_until(at);
  CHECK(time::now() >= at);
  time::sleep_until(at);
  time::sleep_until(tp());
  time::sleep_until(std::chrono::system_clock::now() - 1h);
  CHECK(time::sleep_until(time::now() + 100us, wait::stop()));
  CHECK(time::sleep_for(100us, wait::stop()));
}

FIBER_TEST("a sleep ends early, and says so, when its stop is set") {
  const auto stopping = make_chan<void>();
  const wait::stop s(detail::access::core(stopping));
  CHECK(time::sleep_for(100us, s));
  CHECK(time::sleep_until(time::now() - 1s, s));
  std::atomic<int> stopped = 0;
  support::crew sleepers;
  for (int i = 0; i < 10; ++i) {
    sleepers.go([&] { stopped += time::sleep_for(1h, s) ? 0 : 1; });
    sleepers.go([&] { stopped += time::sleep_until(tp::max(), s) ? 0 : 1; });
  }
  CHECK(support::await_parked(wait_reason::sleep, 20));
  close(stopping);
  sleepers.join();
  CHECK(stopped == 20);
  CHECK(!time::sleep_for(1h, s));
}

FIBER_TEST("a sleep whose stop is set at about its time ends once, either way") {
  for (int i = 0; i < scale(1000); ++i) {
    const auto stopping = make_chan<void>();
    const auto t = time::after_func(50us, [=] { close(stopping); });
    const tp begin = time::now();
    const bool slept = time::sleep_for(50us, wait::stop(detail::access::core(stopping)));
    CHECK((!slept || time::since(begin) >= 50us));
    stopping.recv();
  }
}
