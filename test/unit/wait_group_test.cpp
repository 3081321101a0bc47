// sync::wait_group (docs/go-semantics.md, WG1, WG3, and reuse after wait of WG2).
#include <atomic>
#include <chrono>
#include <climits>
#include <functional>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "child.hpp"
#include "inside.hpp"
#include "tracked.hpp"

using namespace gossamer;
using support::await_parked;
using support::child_result;
using support::contains;
using support::eventually;
using support::panic_of;
using support::run_child;
using support::scale;
using steady = std::chrono::steady_clock;

namespace {

constinit sync::wait_group global_group;  // usable before main()

}  // namespace

FIBER_TEST("WG1: wait at zero returns at once") {
  sync::wait_group wg;
  wg.wait();
  CHECK(wg.wait_for(0s));
  CHECK(wg.wait_until(steady::now() - 1h));
  wg.add(2);
  wg.add(-2);
  wg.wait();
  global_group.wait();
  CHECK(global_group.wait_for(-1s));
}

FIBER_TEST("WG1: wait returns only after the last done") {
  for (int round = 0; round < scale(5000); ++round) {
    sync::wait_group wg;
    std::atomic<int> finished = 0;
    constexpr int workers = 5;
    wg.add(workers);
    for (int i = 0; i < workers; ++i) {
      go([&, i] {
        if (i % 2 == round % 2) {
          runtime::gosched();
        }
        ++finished;
        wg.done();
      });
    }
    wg.wait();
    if (finished != workers) {
      FAIL_CHECK("wait returned after " << finished);
    }
  }
}

FIBER_TEST("WG1: nobody passes before zero, all waiters go at zero") {
  sync::wait_group wg;
  wg.add(2);
  std::atomic<int> passed = 0;
  constexpr int waiters = 20;
  for (int i = 0; i < waiters; ++i) {
    go([&, i] {
      if (i % 2 == 0) {
        wg.wait();
        ++passed;
      } else {
        passed += wg.wait_for(1h);
      }
    });
  }
  CHECK(await_parked(wait_reason::wait_group_wait, waiters));
  wg.done();
  for (int i = 0; i < 100; ++i) {
    runtime::gosched();
  }
  CHECK(passed == 0);
  wg.done();
  CHECK(eventually([&] { return passed == waiters; }));
}

FIBER_TEST("WG1: a count below zero panics and stays as it was") {
  const std::string text = "sync: negative WaitGroup counter";
  sync::wait_group wg;
  CHECK(panic_of([&] { wg.done(); }) == text);
  CHECK(wg.wait_for(0s));
  wg.add(2);
  CHECK(panic_of([&] { wg.add(-3); }) == text);
  CHECK(!wg.wait_for(0s));
  CHECK(panic_of([&] { wg.add(INT_MIN); }) == text);
  wg.done();
  CHECK(!wg.wait_for(0s));
  wg.done();
  CHECK(wg.wait_for(0s));
  wg.add(INT_MAX);
  CHECK(panic_of([&] { wg.add(1); }) == text);
  wg.add(-INT_MAX);
  wg.wait();
}

FIBER_TEST("WG1: a count below zero panics while others wait, and they wait on") {
  sync::wait_group wg;
  wg.add(1);
  std::atomic<bool> passed = false;
  go([&] {
    wg.wait();
    passed = true;
  });
  CHECK(await_parked(wait_reason::wait_group_wait, 1));
  CHECK(panic_of([&] { wg.add(-2); }) == "sync: negative WaitGroup counter");
  for (int i = 0; i < 100; ++i) {
    runtime::gosched();
  }
  CHECK(!passed);
  wg.done();
  CHECK(eventually([&] { return passed.load(); }));
}

FIBER_TEST("WG2: a wait group can be used again after wait") {
  sync::wait_group wg;
  for (int round = 1; round <= scale(20'000); ++round) {
    std::atomic<int> finished = 0;
    const int workers = 1 + round % 3;
    wg.add(workers);
    for (int i = 0; i < workers; ++i) {
      go([&] {
        ++finished;
        wg.done();
      });
    }
    wg.wait();
    if (finished != workers) {
      FAIL_CHECK("round " << round << ": " << finished << " of " << workers);
    }
  }
}

FIBER_TEST("done may come from any fiber, and add from one that holds a count") {
  sync::wait_group wg;
  std::atomic<int> leaves = 0;
  struct grow {
    sync::wait_group& wg;
    std::atomic<int>& leaves;
    void operator()(int depth) const {
      if (depth == 0) {
        ++leaves;
      } else {
        wg.add(2);
        go(*this, depth - 1);
        go(*this, depth - 1);
      }
      wg.done();
    }
  } f{wg, leaves};
  wg.add();
  go(f, 8);
  wg.wait();
  CHECK(leaves == 256);
}

FIBER_TEST("a timed wait that times out returns false, and never early") {
  sync::wait_group wg;
  wg.add(1);
  for (const auto d : {0us, 1us, 300us, 3000us}) {
    const auto begin = steady::now();
    CHECK(!wg.wait_for(d));
    CHECK(steady::now() - begin >= d);
    const auto until = steady::now() + d;
    CHECK(!wg.wait_until(until));
    CHECK(steady::now() >= until);
  }
  CHECK(!wg.wait_for(-1h));
  CHECK(!wg.wait_until(std::chrono::system_clock::now() + 1ms));
  wg.done();
  CHECK(wg.wait_until(steady::now() - 1s));
}

FIBER_TEST("a timed wait with a maximal duration waits like wait") {
  sync::wait_group wg;
  wg.add(1);
  std::atomic<int> passed = 0;
  go([&] { passed += wg.wait_for(std::chrono::hours::max()); });
  go([&] { passed += wg.wait_until(steady::time_point::max()); });
  go([&] { passed += wg.wait_for(std::chrono::duration<double>(1e300)); });
  CHECK(await_parked(wait_reason::wait_group_wait, 3));
  CHECK(passed == 0);
  wg.done();
  CHECK(eventually([&] { return passed == 3; }));
}

FIBER_TEST("a waiter that times out leaves the others waiting, wherever it stood") {
  for (int quitter = 0; quitter < 4; ++quitter) {
    sync::wait_group wg;
    wg.add(1);
    std::atomic<int> passed = 0, expired = 0;
    for (int i = 0; i < 4; ++i) {
      go([&, i] { ++(wg.wait_for(i == quitter ? std::chrono::nanoseconds(2ms) : 1h) ? passed : expired); });
    }
    CHECK(eventually([&] { return expired == 1; }));
    CHECK(await_parked(wait_reason::wait_group_wait, 3));
    CHECK(passed == 0);
    wg.done();
    CHECK(eventually([&] { return passed == 3; }));
    CHECK(expired == 1);
  }
}

FIBER_TEST("a time-out beside the last done: true only at zero, and nobody is left waiting") {
  const int rounds = scale(20'000);
  int wrong = 0;
  for (int round = 0; round < rounds; ++round) {
    sync::wait_group wg;
    wg.add(1);
    std::atomic<bool> done = false;
    go([&] {
      done = true;
      wg.done();
    });
    const bool reached = wg.wait_for(std::chrono::microseconds(round % 20));
    wrong += reached && !done;
    wg.wait();
    wrong += !done;
  }
  CHECK(wrong == 0);
}

FIBER_TEST("plain threads wait and finish too") {
  sync::wait_group wg, threads_passed;
  wg.add(4);
  threads_passed.add(3);
  std::atomic<int> finished = 0, early = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      if (i == 0) {
        while (!wg.wait_for(1ms)) {
        }
      } else {
        wg.wait();
      }
      early += finished != 4;
      threads_passed.done();
    });
  }
  for (int i = 0; i < 2; ++i) {
    go([&] {
      ++finished;
      wg.done();
    });
    threads.emplace_back([&] {
      ++finished;
      wg.done();
    });
  }
  wg.wait();
  threads_passed.wait();
  for (std::thread& t : threads) {
    t.join();
  }
  CHECK(early == 0);
}

FIBER_TEST("WG3: go(f) counts the fiber until it has returned") {
  sync::wait_group wg;
  std::atomic<int> finished = 0;
  constexpr int fibers = 100;
  for (int i = 0; i < fibers; ++i) {
    wg.go([&, i] {
      if (i % 2 == 0) {
        runtime::gosched();
      }
      ++finished;
    });
  }
  wg.wait();
  CHECK(finished == fibers);
  wg.go([](std::atomic<int>& n, const std::string& text) { n += static_cast<int>(text.size()); }, std::ref(finished),
        std::string("four"));
  wg.go([&finished, p = std::make_unique<int>(5), big = std::string(100, 'x')]() mutable {
    finished += *std::exchange(p, nullptr) + static_cast<int>(big.size());
  });
  wg.wait();
  CHECK(finished == fibers + 4 + 5 + 100);
}

FIBER_TEST("WG3: a fiber that leaves by goexit counts as done") {
  sync::wait_group wg;
  bool went_on = false;
  wg.go([&] {
    runtime::goexit();
    went_on = true;
  });
  CHECK(wg.wait_for(20s));
  CHECK_FALSE(went_on);
}

FIBER_TEST("WG3: when wait returns, what the function held has been destroyed") {
  struct held {};
  using support::census;
  for (int round = 0; round < scale(2000); ++round) {
    sync::wait_group wg;
    for (int i = 0; i < 3; ++i) {
      wg.go([one = support::life<held>(), i](const support::life<held>&) { i % 2 == 0 ? runtime::gosched() : void(); },
            support::life<held>());
    }
    wg.wait();
    if (census<held>::alive != 0) {
      FAIL_CHECK("there are " << census<held>::alive);
    }
  }
}

FIBER_TEST("WG3: a go whose copy throws starts no fiber and leaves the count") {
  struct thorny {
    thorny() = default;
    thorny(const thorny&) { throw std::runtime_error("copy"); }
    thorny(thorny&&) noexcept {}
    void operator()() const {}
  };
  const thorny f;
  sync::wait_group wg;
  CHECK_THROWS_AS(wg.go(f), std::runtime_error);
  CHECK_THROWS_AS(wg.go([](const thorny&) {}, f), std::runtime_error);
  CHECK(wg.wait_for(0s));
}

CHILD_PROGRAM("wait group: a fiber panics") {
  return run([] {
    sync::wait_group wg;
    wg.go([] {
      runtime::gosched();
      panic("no");
    });
    wg.wait();
    return 9;  // nobody gets here
  });
}
CHILD_PROGRAM("wait group: nil function") {
  return run([] {
    sync::wait_group wg;
    wg.go(std::function<void()>());
    return 9;
  });
}
PLAIN_TEST("WG3: a panic in go(f) is fatal, and no wait ends before it is; the place of the call is the spawn site") {
  const child_result r = run_child("wait group: a fiber panics");
  CHECK(r.exited_with(2));
  CHECK(support::starts_with(r.err, "panic: no\n"));
  CHECK(contains(r.err, "created by "));
  const child_result nil_function = run_child("wait group: nil function");
  CHECK(nil_function.exited_with(2));
  CHECK(support::starts_with(nil_function.err, "fatal error: go of nil func value"));
}
