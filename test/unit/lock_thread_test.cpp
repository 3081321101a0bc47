// lock_os_thread: a locked fiber stays on its thread, and nobody else comes there.
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "child.hpp"
#include "fiber/record_pool.hpp"
#include "inside.hpp"

using namespace gossamer;
using support::eventually;
using support::scale;

namespace {

// The address of a thread-local, never folded across a park.
[[gnu::noinline]] int* own_thread_local() {
  thread_local int value = 0;
  int* p = &value;
  asm volatile("" : "+r"(p));
  return p;
}

// Locks, and looks after each park whether the thread is still the same.
struct pinned {
  pinned() { runtime::lock_os_thread(); }
  pinned(const pinned&) = delete;
  pinned& operator=(const pinned&) = delete;
  ~pinned() { runtime::unlock_os_thread(); }
  bool at_home() const { return ::gettid() == thread && own_thread_local() == local; }
  const pid_t thread = ::gettid();
  int* const local = own_thread_local();
};

}  // namespace

FIBER_TEST("GO15: a locked fiber stays on its thread, and no other fiber runs there") {
  auto ping = make_chan<int>();
  auto pong = make_chan<int>();
  std::atomic<pid_t> home = 0;
  std::atomic<int> strangers = 0;
  std::atomic<bool> over = false;
  support::crew crew;
  crew.go([&] {
    const pinned here;
    home = here.thread;
    *here.local = 77;
    int strays = 0;
    for (int v : ping) {
      strays += here.at_home() && *here.local == 77 ? 0 : 1;
      pong << v + 1;
      strays += here.at_home() ? 0 : 1;
    }
    home = 0;
    *here.local = 0;
    CHECK(strays == 0);
  });
  CHECK(eventually([&] { return home != 0; }));
  for (int i = 0; i < 4; ++i) {
    crew.go([&] {
      while (!over) {
        const pid_t mine = ::gettid();
        strangers += mine == home.load() ? 1 : 0;
        runtime::gosched();
      }
    });
  }
  for (int i = 0; i < scale(2000); ++i) {
    ping << i;
    CHECK(*pong == i + 1);
  }
  over = true;
  CHECK(strangers == 0);
  close(ping);
}

FIBER_TEST("GO15: locks are counted, and an unlock too many does nothing") {
  runtime::unlock_os_thread();
  sync::wait_group over;
  over.add(1);
  go([&] {
    const pid_t home = ::gettid();
    for (int i = 0; i < 3; ++i) {
      runtime::lock_os_thread();
    }
    int strays = 0;
    for (int i = 0; i < 2; ++i) {
      runtime::unlock_os_thread();
      time::sleep(1ms);
      strays += ::gettid() == home ? 0 : 1;
    }
    runtime::unlock_os_thread();
    runtime::unlock_os_thread();
    time::sleep(1ms);
    runtime::gosched();
    CHECK(strays == 0);
    over.done();
  });
  over.wait();
}

FIBER_TEST("main may lock its thread, and the others run elsewhere") {
  const pinned here;
  auto ch = make_chan<pid_t>();
  for (int i = 0; i < 100; ++i) {
    go([ch] { ch << ::gettid(); });
    CHECK(*ch != here.thread);
  }
  CHECK(here.at_home());
  time::sleep(1ms);
  CHECK(here.at_home());
}

FIBER_TEST("what a locked fiber starts and wakes runs at once, while it computes on") {
  const pinned here;
  auto ch = make_chan<int>(1);
  std::atomic<int> spawned = 0;
  std::atomic<int> woken = 0;
  std::atomic<int> fired = 0;
  go([&] {
    ++spawned;
    woken = *ch;
  });
  const auto spin_until = [](auto condition) {  // no yield: the others must not depend on it
    const auto limit = std::chrono::steady_clock::now() + support::patience;
    while (!condition() && std::chrono::steady_clock::now() < limit) {
    }
    return condition();
  };
  CHECK(spin_until([&] { return spawned == 1; }));
  ch << 5;
  CHECK(spin_until([&] { return woken == 5; }));
  time::after_func(2ms, [&] { ++fired; });
  CHECK(spin_until([&] { return fired == 1; }));
  CHECK(here.at_home());
}

FIBER_TEST("two locked fibers hand to each other") {
  auto there = make_chan<int>();
  auto back = make_chan<int>();
  std::atomic<int> strays = 0;
  support::crew crew;
  crew.go([&] {
    const pinned here;
    for (int v : there) {
      back << v;
      strays += here.at_home() ? 0 : 1;
    }
  });
  crew.go([&] {
    const pinned here;
    for (int i = 0; i < scale(1000); ++i) {
      there << i;
      strays += *back == i && here.at_home() ? 0 : 1;
    }
    close(there);
  });
  crew.join();
  CHECK(strays == 0);
}

FIBER_TEST("fifty locked fibers, each on a thread of its own") {
  constexpr int n = 50;
  auto start = make_chan<void>();
  auto threads = make_chan<pid_t>(n);
  std::atomic<int> strays = 0;
  {
    support::crew crew;
    for (int i = 0; i < n; ++i) {
      crew.go([&] {
        const pinned here;
        threads << here.thread;
        start.recv();
        for (int k = 0; k < 5; ++k) {
          time::sleep(1ms);
          runtime::gosched();
          strays += here.at_home() ? 0 : 1;
        }
      });
    }
    std::vector<pid_t> seen;
    for (int i = 0; i < n; ++i) {
      seen.push_back(*threads);
    }
    std::sort(seen.begin(), seen.end());
    CHECK(std::unique(seen.begin(), seen.end()) == seen.end());
    close(start);
  }
  CHECK(strays == 0);
}

FIBER_TEST("a locked fiber is woken by a plain thread, by time, and by a fiber on another worker") {
  auto ch = make_chan<int>();
  std::atomic<int> strays = 0;
  std::thread plain([ch] {
    for (int i = 0; i < scale(200); ++i) {
      ch << i;
    }
    close(ch);
  });
  {
    support::crew crew;
    crew.go([&, ch] {
      const pinned here;
      int expected = 0;
      for (int v : ch) {
        strays += v == expected++ && here.at_home() ? 0 : 1;
      }
      auto late = time::after(1ms);
      late.recv();
      strays += here.at_home() ? 0 : 1;
    });
  }
  plain.join();
  CHECK(strays == 0);
}

FIBER_TEST("a locked fiber may block in a call, and sleep, and lock a mutex") {
  sync::mutex guard;
  int count = 0;  // guarded by guard
  std::atomic<int> strays = 0;
  support::crew crew;
  for (int f = 0; f < 4; ++f) {
    crew.go([&, f] {
      const pinned here;
      for (int i = 0; i < scale(40); ++i) {
        runtime::blocking([&] {
          if (i % 8 == f) {
            ::usleep(1500);
          }
        });
        const std::scoped_lock hold(guard);
        runtime::gosched();
        ++count;
        strays += here.at_home() ? 0 : 1;
      }
    });
  }
  crew.join();
  CHECK(count == 4 * scale(40));
  CHECK(strays == 0);
}

FIBER_TEST("a fiber that ends, or exits, while it is locked leaves its thread to others") {
  for (int i = 0; i < 20; ++i) {
    auto done = make_chan<void>();
    go([done] {
      runtime::lock_os_thread();
      runtime::lock_os_thread();
      const defer d1{[done] { close(done); }};
      if (::gettid() % 2 == 0) {
        runtime::goexit();
      }
    });
    done.recv();
  }
  auto ch = make_chan<int>();
  go([ch] { ch << 1; });
  CHECK(*ch == 1);
}

FIBER_TEST("locking and unlocking in turn, on many fibers") {
  std::atomic<int> strays = 0;
  std::atomic<long> sum = 0;
  support::crew crew;
  for (int f = 0; f < 12; ++f) {
    crew.go([&] {
      for (int i = 0; i < scale(60); ++i) {
        {
          const pinned here;
          runtime::gosched();
          go([&sum] { ++sum; });
          time::sleep(50us);
          strays += here.at_home() ? 0 : 1;
        }
        runtime::gosched();
      }
    });
  }
  crew.join();
  CHECK(strays == 0);
  CHECK(eventually([&] { return sum == 12L * scale(60); }));
}

PLAIN_TEST("on a plain thread locking does nothing") {
  runtime::unlock_os_thread();
  runtime::lock_os_thread();
  CHECK(run([] { return 3; }, {.procs = 1}) == 3);
}

PLAIN_TEST("after a run that abandoned locked fibers their threads run what comes") {
  for (const int procs : {1, 2, 8}) {
    for (int round = 0; round < 5; ++round) {
      const int code = run(
          [&] {
            auto never = make_chan<int>();
            auto in = make_chan<void>(4);
            for (int i = 0; i < 3; ++i) {
              go([never, in] {
                runtime::lock_os_thread();
                in.send();
                never.recv();
              });
            }
            go([in] {
              runtime::lock_os_thread();
              in.send();
              for (;;) {
                runtime::gosched();
              }
            });
            for (int i = 0; i < 4; ++i) {
              in.recv();
            }
            return 4;
          },
          {.procs = procs});
      CHECK(code == 4);
      CHECK(run([] {
              sync::wait_group wg;
              for (int i = 0; i < 100; ++i) {
                wg.go([] { runtime::gosched(); });
              }
              wg.wait();
              return 6;
            }) == 6);
    }
  }
}

CHILD_PROGRAM("deadlock with locked fibers") {
  return run(
      [] {
        runtime::lock_os_thread();
        auto a = make_chan<int>();
        auto b = make_chan<int>();
        go([a, b] {
          runtime::lock_os_thread();
          b << *a;
          sync::mutex m;
          m.lock();
          m.lock();
        });
        a << 1;
        b.recv();
        time::sleep(5ms);
        a << 2;
      },
      {.procs = 2});
}
PLAIN_TEST("FR1: a deadlock is reported though fibers are locked to their threads") {
  const support::child_result r = support::run_child("deadlock with locked fibers");
  CHECK(r.exited_with(2));
  CHECK(support::contains(r.err, "fatal error: all fibers are asleep - deadlock!"));
  CHECK(support::contains(r.err, "[chan send, locked to thread]:"));
  const std::size_t at = r.err.find("[sync.Mutex.Lock, held by fiber ");
  CHECK(at != std::string::npos);
  CHECK(r.err.substr(at, r.err.find('\n', at) - at).ends_with(", locked to thread]:"));
}

FIBER_TEST("fibers lock their threads while the number of workers changes all the time: none is refused") {
  std::atomic<bool> over = false;
  std::atomic<int> refused = 0;
  std::atomic<int> locks = 0;
  const int before = runtime::max_procs();
  support::crew all;
  for (int i = 0; i < 3; ++i) {
    all.go([&] {
      while (!over) {
        try {
          runtime::lock_os_thread();
          ++locks;
          runtime::gosched();
          runtime::unlock_os_thread();
        } catch (const panic_error&) {
          ++refused;
        }
      }
    });
  }
  std::thread outside([&] {
    for (int n = 0; !over; ++n) {
      runtime::max_procs(1 + n % 8);
    }
  });
  // Where there is little CPU each takes milliseconds.
  const auto enough = std::chrono::steady_clock::now() + 500ms;
  CHECK(eventually(
      [&] { return locks >= scale(1000) || (locks >= scale(100) && std::chrono::steady_clock::now() > enough); }));
  over = true;
  all.join();
  runtime::blocking([&] { outside.join(); });
  runtime::max_procs(before);
  CHECK(refused == 0);
}
