// Blocking calls, announced or not: others go on meanwhile, and nothing is lost.
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "child.hpp"
#include "gossamer/debug.hpp"
#include "inside.hpp"

using namespace gossamer;
using support::eventually;
using support::scale;
using support::spin_for;
using steady = std::chrono::steady_clock;

FIBER_TEST("blocking returns what its function returns, and lets its exception through") {
  CHECK(runtime::blocking([] { return 7; }) == 7);
  int n = 0;
  int& same = runtime::blocking([&]() -> int& { return n; });
  CHECK(&same == &n);
  runtime::blocking([&] { ++n; });
  CHECK(n == 1);
  bool caught = false;
  try {
    runtime::blocking([] { panic("inside"); });
  } catch (const panic_error& p) {
    caught = p.text() == "inside";
  }
  CHECK(caught);
  CHECK(runtime::blocking([] { return runtime::blocking([] { return 3; }); }) == 3);
}

FIBER_TEST("while all workers are in announced calls, others go on") {
  const int callers = support::width() + 2;
  sync::wait_group over;
  std::atomic<bool> release = false;
  std::atomic<int> in = 0;
  over.add(callers);
  for (int i = 0; i < callers; ++i) {
    go([&] {
      runtime::blocking([&] {
        ++in;
        while (!release) {
          ::usleep(1000);
        }
      });
      over.done();
    });
  }
  // Every one of them gets into its call, though all workers are in one already; and this fiber goes on.
  CHECK(eventually([&] { return in == callers; }));
  auto ch = make_chan<int>();
  go([ch] { ch << 1; });
  CHECK(*ch == 1);
  release = true;
  over.wait();
}

FIBER_TEST("others go on beside calls that nobody announced, and beside fibers that compute") {
  const int callers = support::width() + 1;
  sync::wait_group over;
  std::atomic<bool> release = false;
  std::atomic<int> in = 0;
  over.add(callers);
  for (int i = 0; i < callers; ++i) {
    go([&, i] {
      ++in;
      while (!release) {
        if (i % 2 == 0) {
          ::usleep(50'000);
        } else {
          spin_for(1ms);
        }
      }
      over.done();
    });
  }
  CHECK(eventually([&] { return in == callers; }));
  auto ch = make_chan<int>();
  go([ch] { ch << 1; });
  CHECK(*ch == 1);
  release = true;
  over.wait();
}

FIBER_TEST("what a blocked worker had queued runs elsewhere") {
  std::atomic<int> ran = 0;
  for (int i = 0; i < 10; ++i) {
    go([&] { ++ran; });
  }
  runtime::blocking([&] {
    for (const auto limit = steady::now() + support::patience; ran < 10 && steady::now() < limit;) {
      ::usleep(1000);
    }
  });
  CHECK(ran == 10);
}

FIBER_TEST("blocking calls of all lengths, one after another, on many fibers") {
  constexpr int fibers = 12;
  sync::wait_group over;
  sync::mutex guard;
  long count = 0;  // guarded by guard
  over.add(fibers);
  for (int f = 0; f < fibers; ++f) {
    go([&, f] {
      for (int i = 0; i < scale(60); ++i) {
        runtime::blocking([&] {
          if ((i + f) % 8 == 0) {
            ::usleep(static_cast<unsigned>((i * 37 + f) % 2500));
          }
        });
        guard.lock();
        ++count;
        guard.unlock();
        if (i % 4 == 0) {
          runtime::gosched();
        }
      }
      over.done();
    });
  }
  over.wait();
  CHECK(count == long{fibers} * scale(60));
}

FIBER_TEST("a fiber may park inside a blocking call") {
  auto ch = make_chan<int>();
  std::atomic<int> got = 0;
  go([&, ch] { got = runtime::blocking([ch] { return *ch; }); });
  CHECK(support::await_receivers(ch, 1));
  for (int i = 0; i < 5; ++i) {
    time::sleep(2ms);
  }
  ch << 5;
  CHECK(eventually([&] { return got == 5; }));
}

PLAIN_TEST("on a plain thread blocking just calls") {
  CHECK(runtime::blocking([] { return 4; }) == 4);
}

CHILD_PROGRAM("main returns beside a blocking call") {
  static std::atomic<bool> in = false;
  return run([] {
    go([] {
      runtime::blocking([] {
        in = true;
        ::sleep(100);
      });
    });
    while (!in) {
      time::sleep(1ms);
    }
    return 5;
  });
}
PLAIN_TEST("GO2: a thread in an announced call is not waited for when main returns") {
  const support::child_result r = support::run_child("main returns beside a blocking call");
  CHECK(r.exited_with(5));
  CHECK(r.took < 50s);
}

CHILD_PROGRAM("run again while a fiber of the first run is in a call") {
  static std::atomic<bool> in = false, release = false, went_on = false;
  run([] {
    go([] {
      runtime::blocking([] {
        in = true;
        while (!release) {
          ::usleep(1000);
        }
      });
      went_on = true;
    });
    while (!in) {
      time::sleep(1ms);
    }
  });
  const int in_second = run([] {
    release = true;
    for (int i = 0; i < 50; ++i) {
      time::sleep(1ms);
    }
    go([] { make_chan<int>().recv(); });  // left alone, too
    std::string text;
    return went_on || debug::dump(text) != nil ? 1 : 0;
  });
  return in_second + run([] { return went_on ? 1 : 0; });
}
PLAIN_TEST("a fiber that was abandoned in a blocking call never comes back") {
  CHECK(support::run_child("run again while a fiber of the first run is in a call").exited_with(0));
}
