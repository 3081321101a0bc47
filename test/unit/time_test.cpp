// time::sleep (docs/go-semantics.md, TI1).
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

#include "child.hpp"
#include "inside.hpp"

using namespace gossamer;
using support::await_parked;
using support::eventually;
using support::run_child;
using support::scale;
using steady = std::chrono::steady_clock;

// Source: Go's TestDurationString.
PLAIN_TEST("a duration's text is Go's") {
  using time::text;
  CHECK(text(0s) == "0s");
  CHECK(text(1ns) == "1ns");
  CHECK(text(1100ns) == "1.1µs");
  CHECK(text(2200us) == "2.2ms");
  CHECK(text(3300ms) == "3.3s");
  CHECK(text(4min + 5s) == "4m5s");
  CHECK(text(4min + 5001ms) == "4m5.001s");
  CHECK(text(5h + 6min + 7001ms) == "5h6m7.001s");
  CHECK(text(8min + 1ns) == "8m0.000000001s");
  CHECK(text(2h) == "2h0m0s");
  CHECK(text(-250ms) == "-250ms");
  CHECK(text(time::duration::max()) == "2562047h47m16.854775807s");
  CHECK(text(time::duration::min()) == "-2562047h47m16.854775808s");
  CHECK(text(std::chrono::duration<double>(1.5)) == "1.5s");
  CHECK(text(std::chrono::duration<double>(1e300)) == text(time::duration::max()));
}

PLAIN_TEST("Go's units are durations") {
  static_assert(3 * time::second == 3s && time::hour == 60 * time::minute);
  static_assert(time::second == 1000 * time::millisecond && time::millisecond == 1000 * time::microsecond);
  CHECK(time::text(2 * time::microsecond + 5 * time::nanosecond) == "2.005µs");
}

FIBER_TEST("TI1: a sleep of nothing or less returns at once") {
  const auto begin = steady::now();
  for (int i = 0; i < 1000; ++i) {
    time::sleep(0s);
    time::sleep(-1ns);
    time::sleep(-100h);
    time::sleep(std::chrono::nanoseconds::min());
    time::sleep(std::chrono::hours::min());
    time::sleep(std::chrono::duration<double>(-1e300));
  }
  CHECK(steady::now() - begin < 1s * support::slowdown);
}

FIBER_TEST("TI1: a sleep is never early") {
  for (const auto d : {1ns, 999ns, 1000ns, 50'000ns, 1'000'000ns, 1'500'001ns, 7'000'000ns}) {
    for (int i = 0; i < 3; ++i) {
      const auto begin = steady::now();
      time::sleep(d);
      CHECK(steady::now() - begin >= d);
    }
  }
}

FIBER_TEST("TI1: of many sleepers at once none is early, and all wake") {
  const int count = scale(5000);
  std::atomic<int> early = 0;
  sync::wait_group all;
  all.add(count);
  for (int i = 0; i < count; ++i) {
    go([&, i] {
      for (int n = 0; n < 3; ++n) {
        const auto d = std::chrono::microseconds((i * 7919 + n * 104729) % 10'000);
        const auto begin = steady::now();
        time::sleep(d);
        early += steady::now() - begin < d;
      }
      all.done();
    });
  }
  CHECK(all.wait_for(support::patience));
  all.wait();
  CHECK(early == 0);
}

FIBER_TEST("a sleeper wakes soon after its time, from an idle runtime") {
  auto shortest = steady::duration::max();
  for (int i = 0; i < 20; ++i) {
    const auto begin = steady::now();
    time::sleep(2ms);
    shortest = std::min(shortest, steady::now() - begin);
  }
  CHECK(shortest < 2ms + 2ms * support::slowdown);
}

FIBER_TEST("a sleeper wakes soon after its time, beside fibers that never park") {
  std::atomic<bool> stop = false;
  support::crew busy;
  for (int i = 0; i < 20; ++i) {
    busy.go([&] {
      while (!stop) {
        runtime::gosched();
      }
    });
  }
  auto shortest = steady::duration::max();
  for (int i = 0; i < 20; ++i) {
    const auto begin = steady::now();
    time::sleep(2ms);
    shortest = std::min(shortest, steady::now() - begin);
  }
  stop = true;
  CHECK(shortest < 2ms + 5ms * support::slowdown);
}

FIBER_TEST("a sleeping fiber leaves its worker to others") {
  CHECK(support::with_a_limit(20ms, [](std::chrono::nanoseconds limit) {
    std::atomic<bool> slept = false;
    support::crew sleeper;
    sleeper.go([&] {
      time::sleep(limit);
      slept = true;
    });
    long turns = 0;
    CHECK(eventually([&] { return ++turns, slept.load(); }));
    return turns > 20;
  }));
}

PLAIN_TEST("who sleeps is woken beside however many fibers that give way in turn") {
  for (const int many : {10, 190, 200, 225, 250, 256, 300}) {
    run(
        [many] {
          std::atomic<bool> over = false;
          support::crew all;
          for (int i = 0; i < many; ++i) {
            all.go([&] {
              const auto begin = steady::now();
              while (!over && steady::now() - begin < support::patience) {
                runtime::gosched();
              }
              CHECK(over);
            });
          }
          for (int i = 0; i < 5; ++i) {
            time::sleep(2ms);  // all have started then
          }
          over = true;
          all.join();
        },
        {.procs = 1});
  }
}

FIBER_TEST("any kind of duration will do") {
  const auto begin = steady::now();
  time::sleep(std::chrono::duration<double, std::milli>(1.5));
  CHECK(steady::now() - begin >= 1500us);
  time::sleep(std::chrono::duration<float>(0.0001F));
  time::sleep(time::duration(10));
  time::sleep(std::chrono::duration<long, std::ratio<1, 100>>(1));
  CHECK(steady::now() - begin >= 1500us + 100us + 10ms - 1us);
}

CHILD_PROGRAM("sleeps for ever") {
  return run([] {
    static std::atomic<int> woken{0};
    go([] { time::sleep(std::chrono::hours::max()), ++woken; });
    go([] { time::sleep(std::chrono::nanoseconds::max()), ++woken; });
    go([] { time::sleep(std::chrono::duration<double>(1e300)), ++woken; });
    go([] { time::sleep(24h * 365 * 200), ++woken; });
    const bool all_asleep = await_parked(wait_reason::sleep, 4);
    time::sleep(20ms);
    return all_asleep && woken == 0 ? 42 : 1;
  });
}
PLAIN_TEST("a maximal sleep does not end, and does not overflow") {
  CHECK(run_child("sleeps for ever").exited_with(42));
}

PLAIN_TEST("TI1: on a plain thread sleep blocks the thread, and is never early") {
  for (const auto d : {0us, 1us, 300us, 5000us}) {
    const auto begin = steady::now();
    time::sleep(d);
    CHECK(steady::now() - begin >= d);
  }
  const auto begin = steady::now();
  time::sleep(-1h);
  CHECK(steady::now() - begin < 1s * support::slowdown);
}

CHILD_PROGRAM("main sleeps for ever, alone") {
  return run([] {
    ::alarm(1);
    time::sleep(time::duration::max());
  });
}

PLAIN_TEST("a sleep without end is no deadlock") {
  const support::child_result r = support::run_child("main sleeps for ever, alone");
  CHECK(r.signal == SIGALRM);
}
