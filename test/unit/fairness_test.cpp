// Nobody starves: not behind fibers that yield, that wake each other, that start others, or that never give way (GO14).
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <tuple>
#include <vector>

#include "fiber_test.hpp"
#include "net_pair.hpp"

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

// Of two fibers and one worker: whether the second has run on the thread of the first, which computes for 3 ms at a
// time and calls `step` in between, without a wait. Another thread stands in where that one gets no CPU for long, so it
// is tried until it has.
template <class Step>
bool gives_way_in(Step step) {
  const auto limit = steady::now() + support::patience;
  while (steady::now() < limit) {
    std::atomic<pid_t> second = 0;
    pid_t first = 0;
    support::crew others;
    others.go([&] { second = ::gettid(); });
    while (second == 0) {
      first = ::gettid();
      const auto end = steady::now() + 3ms;
      while (steady::now() < end) {
      }
      step();
    }
    if (first == second) {
      return true;
    }
    time::sleep(20ms);  // a worker that somebody stands in for does so until it switches, and the monitor has seen it
  }
  return false;
}

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
  std::atomic<bool> ran = false;
  support::crew others;
  others.go([&] { ran = true; });
  const auto limit = steady::now() + support::patience;
  while (!ran && steady::now() < limit) {
  }
  CHECK(ran);
}

FIBER_TEST("GO14: fibers wait in the queue of one that never gives way, and are all taken over") {
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

FIBER_TEST("GO14: a fiber that computes gives way in its calls that may block, though none of them waits") {
  if (support::width() > 1) {
    return;  // an idle worker takes the second one
  }
  constexpr int many = 1 << 16;
  const auto full = make_chan<int>(many);
  const auto room = make_chan<int>(many);
  for (int i = 0; i < many; ++i) {
    full << i;
  }
  sync::mutex mu;
  sync::rw_mutex rw;
  CHECK(gives_way_in([&] { full.recv(); }));
  CHECK(gives_way_in([&] { room << 1; }));
  CHECK(gives_way_in([&] { select(recv(full, std::ignore), recv(full, std::ignore)); }));
  CHECK(gives_way_in([&] { const std::scoped_lock hold(mu); }));
  CHECK(gives_way_in([&] { const std::scoped_lock hold(rw); }));
  CHECK(gives_way_in([&] { const std::shared_lock hold(rw); }));
  CHECK(gives_way_in([&] { time::sleep(0ns); }));

  const support::net_pair ends;
  CHECK(gives_way_in([&] { static_cast<void>(ends.a.write("x")); }));
  CHECK(detail::resched_requests >= 0);
}

FIBER_TEST("what never blocks does not give way: its caller may hold what the others' thread would wait for") {
  if (support::width() > 1) {
    return;
  }
  const auto ch = make_chan<int>(1);
  sync::mutex mu;
  std::mutex plain;
  support::crew others;
  std::atomic<bool> over = false;
  others.go([&] {
    while (!over) {
      const std::scoped_lock hold(plain);
    }
  });
  const auto end = steady::now() + 100ms;
  while (steady::now() < end) {
    const std::scoped_lock hold(plain);
    const auto piece = steady::now() + 3ms;
    while (steady::now() < piece) {
    }
    static_cast<void>(select(send(ch, 1), otherwise));
    static_cast<void>(select(recv(ch, std::ignore), otherwise));
    if (mu.try_lock()) {
      mu.unlock();
    }
  }
  over = true;
}

FIBER_TEST("GO14: beside fibers that compute and never wait, timers, sockets and other threads have their turn") {
  if (support::width() > 1) {
    return;
  }
  for (const int hogs : {1, 3}) {
    const support::net_pair ends;
    const auto from_thread = make_chan<int>();
    std::atomic<bool> over = false;
    std::atomic<int> turns = 0;
    sync::mutex mu;
    const auto limit = steady::now() + support::patience;
    std::thread outside([&] {
      std::this_thread::sleep_for(20ms);
      from_thread << 1;
      CHECK(ends.a.write("x").second == nil);
    });
    support::crew all;
    all.go([&] {
      time::sleep(20ms);
      ++turns;
    });
    all.go([&] {
      from_thread.recv();
      ++turns;
    });
    all.go([&] {
      std::byte one[1];
      CHECK(ends.b.read(one).first == 1);
      ++turns;
    });
    for (int i = 0; i < hogs; ++i) {
      all.go([&] {
        while (turns < 3 && steady::now() < limit) {
          const auto end = steady::now() + 3ms;
          while (steady::now() < end) {
          }
          const std::scoped_lock hold(mu);
        }
        over = over || turns == 3;
      });
    }
    all.join();
    CHECK(over);
    outside.join();
  }
}

FIBER_TEST("who has done much without a wait lets another fiber run before it goes on, however often") {
  if (support::width() > 1) {
    return;
  }
  const support::net_pair ends;
  char buf[1];
  for (int round = 0; round < 50; ++round) {
    std::atomic<bool> has_run = false;
    support::crew others;
    others.go([&] { has_run = true; });
    for (int i = 0; i < 70; ++i) {
      CHECK(ends.a.write("x").first == 1);
      CHECK(ends.b.read(buf).first == 1);
    }
    CHECK(has_run);
  }
}

PLAIN_TEST("who is woken by a thread or by the network runs beside fibers that compute and sleep in turn") {
  run(
      [] {
        const auto begin = steady::now();
        std::atomic<bool> over = false;
        support::crew busy;
        for (int i = 0; i < 2; ++i) {
          busy.go([&] {
            while (!over && steady::now() - begin < support::patience) {
              support::spin_for(1ms);
              time::sleep(10us);  // the other one's is over by then
            }
            CHECK(over);
          });
        }
        const auto ch = make_chan<int>();
        std::thread sender([&] {
          std::this_thread::sleep_for(20ms);
          ch << 7;
        });
        CHECK(*ch == 7);
        sender.join();
        auto [listener, err] = net::listen("tcp", "127.0.0.1:0");
        REQUIRE(!err);
        std::thread caller([&] {
          std::this_thread::sleep_for(20ms);
          auto [conn, failure] = net::dial("tcp", listener.addr().text());
          CHECK(!failure);
        });
        auto [conn, failure] = listener.accept();
        CHECK(!failure);
        over = true;
        busy.join();
        caller.join();
      },
      {.procs = 1});
}

PLAIN_TEST("who sleeps is woken where its worker's thread belongs to a fiber, and the others always have work") {
  run(
      [] {
        const auto begin = steady::now();
        const auto waits = [&] { return steady::now() - begin < support::patience; };
        std::atomic<bool> woken = false, sleeps = false;
        support::crew all;
        all.go([&] {
          sleeps = true;
          time::sleep(100ms);
          woken = true;
        });
        all.go([&] {
          while (!sleeps) {
            runtime::gosched();
          }
          runtime::lock_os_thread();
          while (!woken && waits()) {
            runtime::gosched();
          }
          runtime::unlock_os_thread();
        });
        while (!woken && waits()) {
          runtime::gosched();
        }
        CHECK(woken);
        all.join();
      },
      {.procs = 1});
}
