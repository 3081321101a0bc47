// Nobody starves: not behind fibers that yield, that wake each other, that start others, or that never give way (GO14).
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "fiber_test.hpp"

using namespace gossamer;
using support::eventually;
using support::scale;
using steady = std::chrono::steady_clock;

namespace {

// Two fibers that wake each other without end, until stopped.
struct ping_pong {
  chan<int> there = make_chan<int>();
  chan<int> back = make_chan<int>();
  std::atomic<bool> stop = false;
  std::atomic<long> rounds = 0;
  sync::wait_group both;

  void start() {
    both.add(2);
    go([this] {
      for (int v : there) {
        back << v;
      }
      both.done();
    });
    go([this] {
      while (!stop) {
        there << 1;
        back.recv();
        ++rounds;
      }
      close(there);
      both.done();
    });
  }
  void end() {
    stop = true;
    both.wait();
  }
};

// Where one worker is all there is, a fiber that does not give way keeps it. (Extra workers will change that.)
bool can_stand_in() { return support::width() > 1; }

}  // namespace

FIBER_TEST("10,000 yielding fibers all make progress") {
  const int count = scale(10'000);
  std::vector<std::atomic<int>> turns(static_cast<std::size_t>(count));
  std::atomic<bool> stop = false;
  support::crew all;
  for (auto& mine : turns) {
    all.go([&] {
      while (!stop) {
        ++mine;
        runtime::gosched();
      }
    });
  }
  const auto slowest = [&] { return std::min_element(turns.begin(), turns.end())->load(); };
  const auto all_have = [&] { return eventually([&] { return slowest() >= 10; }); };
  CHECK((all_have() || all_have() || all_have()));  // a busy machine takes its time
  stop = true;
}

namespace {

// What so many yielding fibers got in one round, which ends when the first one has had 200 turns.
struct round_of_turns {
  int least = 0, most = 0;
  bool on_one_thread = false;
};

round_of_turns take_turns() {
  constexpr int count = 100;
  std::vector<std::atomic<int>> turns(count);
  std::atomic<bool> stop = false;
  std::atomic<int> started = 0;
  const pid_t here = ::gettid();
  std::atomic<bool> moved = false;
  support::crew all;
  for (auto& mine : turns) {
    all.go([&] {
      ++started;
      while (started < count) {
        runtime::gosched();
      }
      while (!stop) {
        ++mine;
        if (::gettid() != here) {
          moved = true;
        }
        runtime::gosched();
      }
    });
  }
  CHECK(eventually([&] { return turns.front() >= 200; }));
  stop = true;
  all.join();
  const auto [least, most] = std::minmax_element(turns.begin(), turns.end());
  return {*least, *most, !moved && ::gettid() == here};
}

}  // namespace

// A worker whose thread has no CPU for 10 ms gets a stand-in. When its thread is back both run for a moment, and
// whoever is left alone with the one of them gets thousands of turns: that is the machine's doing, as where there are
// several.
FIBER_TEST("yielding fibers of one worker take turns") {
  if (support::width() > 1) {
    return;  // there the machine decides who gets more
  }
  round_of_turns seen;
  CHECK(eventually([&] { return (seen = take_turns()).on_one_thread; }));
  CHECK(seen.least >= seen.most / 2);
}

FIBER_TEST("a pair that wakes each other does not starve a third") {
  ping_pong pair;
  pair.start();
  std::atomic<int> turns = 0;
  sync::wait_group third;
  third.add(1);
  go([&] {
    for (int i = 0; i < scale(1000); ++i) {
      ++turns;
      runtime::gosched();
    }
    third.done();
  });
  CHECK(third.wait_for(support::patience));
  CHECK(eventually([&] { return pair.rounds > 0; }));
  pair.end();
  third.wait();
}

FIBER_TEST("a pair that wakes each other does so a few hundred times at most before a third runs") {
  if (support::width() > 1) {
    return;  // there each may have a worker of its own
  }
  ping_pong pair;
  pair.start();
  constexpr int turns = 200;
  std::vector<long> waited;
  support::crew third;
  third.go([&] {
    for (int i = 0; i < turns; ++i) {
      const long before = pair.rounds;
      runtime::gosched();
      waited.push_back(pair.rounds - before);
    }
  });
  third.join();
  pair.end();
  // Not all of them: the kernel may take the worker's CPU away, and then another worker stands in for it.
  std::sort(waited.begin(), waited.end());
  CHECK(waited[turns / 2] <= 300);
}

FIBER_TEST("pairs that wake each other do not starve each other") {
  std::vector<ping_pong> pairs(10);
  for (ping_pong& p : pairs) {
    p.start();
  }
  CHECK(eventually([&] { return std::all_of(pairs.begin(), pairs.end(), [](auto& p) { return p.rounds >= 20; }); }));
  for (ping_pong& p : pairs) {
    p.end();
  }
}

FIBER_TEST("a pair that wakes each other starves neither a sleeper, nor a new fiber, nor a thread's") {
  ping_pong pair;
  pair.start();
  std::atomic<int> woken = 0;
  support::crew sleeper;
  sleeper.go([&] {
    for (int i = 0; i < 5; ++i) {
      time::sleep(1ms);
      ++woken;
    }
  });
  CHECK(eventually([&] { return woken == 5; }));
  std::thread other([&] {
    support::crew mine;
    mine.go([&] { ++woken; });
    mine.go([&] { ++woken; });
  });
  CHECK(eventually([&] { return woken == 7; }));
  other.join();
  pair.end();
}

FIBER_TEST("fibers that start their successors for ever do not starve others") {
  std::atomic<bool> stop = false;
  std::atomic<long> generations = 0;
  sync::wait_group ends;
  struct chain {
    std::atomic<bool>& stop;
    std::atomic<long>& generations;
    sync::wait_group& ends;
    void operator()() const {
      ++generations;
      if (!stop) {
        go(*this);
      } else {
        ends.done();
      }
    }
  } c{stop, generations, ends};
  ends.add(4);
  for (int i = 0; i < 4; ++i) {
    go(c);
  }
  int turns = 0;
  CHECK(eventually([&] { return ++turns >= scale(1000) && generations >= 100; }));
  stop = true;
  ends.wait();
}

FIBER_TEST("GO14: a fiber that never gives way does not starve the others for ever") {
  if (!can_stand_in()) {
    return;
  }
  std::atomic<bool> ran = false;
  support::crew others;
  others.go([&] { ran = true; });
  const auto limit = steady::now() + support::patience;
  while (!ran && steady::now() < limit) {
  }
  CHECK(ran);
}

FIBER_TEST("GO14: fibers wait in the queue of one that never gives way, and are all taken over") {
  if (!can_stand_in()) {
    return;
  }
  constexpr int count = 200;
  std::atomic<int> ran = 0;
  support::crew others;
  for (int i = 0; i < count; ++i) {
    others.go([&] {
      runtime::gosched();
      ++ran;
    });
  }
  const auto limit = steady::now() + support::patience;
  while (ran < count && steady::now() < limit) {
  }
  CHECK(ran == count);
}

FIBER_TEST("GO14: a sleeper is woken in time although its worker's fiber never gives way") {
  if (!can_stand_in()) {
    return;
  }
  std::atomic<bool> woken = false;
  support::crew others;
  others.go([&] {
    time::sleep(1ms);
    woken = true;
  });
  runtime::gosched();
  const auto limit = steady::now() + support::patience;
  while (!woken && steady::now() < limit) {
  }
  CHECK(woken);
}

FIBER_TEST("GO14: a fiber that blocks its thread does not hold up the others") {
  if (!can_stand_in()) {
    return;
  }
  std::atomic<int> ran = 0;
  support::crew others;
  for (int i = 0; i < 10; ++i) {
    others.go([&] { ++ran; });
  }
  const auto limit = steady::now() + support::patience;
  while (ran < 10 && steady::now() < limit) {
    std::this_thread::sleep_for(1ms);  // a blocking system call that the runtime is not told of
  }
  CHECK(ran == 10);
}
