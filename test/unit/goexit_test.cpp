// runtime::goexit: leaving a fiber, and main's fiber.
#include <atomic>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>

#include "child.hpp"
#include "fiber_test.hpp"

using namespace gossamer;
using support::contains;
using support::eventually;
using support::run_child;

FIBER_TEST("GO9: goexit ends its fiber alone, and its destructors run") {
  std::atomic<int> destroyed = 0, after = 0;
  support::crew crew;
  sync::wait_group wg;
  for (int i = 0; i < 50; ++i) {
    wg.add(1);
    go([&] {
      defer done{[&] { wg.done(); }};
      defer d{[&] { ++destroyed; }};
      try {
        runtime::gosched();
        runtime::goexit();
      } catch (const std::exception&) {
        ++after;
      } catch (...) {
        throw;
      }
      ++after;
    });
  }
  wg.wait();
  CHECK(destroyed == 50);
  CHECK(after == 0);
  CHECK(eventually([] { return runtime::num_fibers() == 1; }));
}

FIBER_TEST("GO9: a deferred call may block while goexit is on its way") {
  auto ch = make_chan<int>();
  auto done = make_chan<int>();
  go([=] {
    defer d{[=] { done << *ch + 1; }};
    runtime::goexit();
  });
  ch << 1;
  CHECK(*done == 2);
}

FIBER_TEST("goexit from inside a catch leaves no exception to the fiber that comes next on the worker") {
  std::atomic<int> wrong = 0;
  sync::wait_group wg;
  wg.add(50);
  for (int i = 0; i < 50; ++i) {
    go([&] {
      defer done{[&] { wg.done(); }};
      wrong += std::current_exception() != nullptr || std::uncaught_exceptions() != 0;
      try {
        throw 1;
      } catch (int) {
        runtime::gosched();
        runtime::goexit();
      }
    });
  }
  wg.wait();
  CHECK(wrong == 0);
}

FIBER_TEST("goexit on a plain thread panics") {
  std::string text;
  std::thread([&] { text = support::panic_of([] { runtime::goexit(); }); }).join();
  CHECK(text == "runtime.goexit called on a plain thread");
}

CHILD_PROGRAM("swallows goexit") {
  return run([] {
    auto done = make_chan<int>();
    go([=] {
      try {
        runtime::goexit();
      } catch (...) {
      }
      done << 1;
    });
    done.recv();
  });
}

PLAIN_TEST("a catch (...) that swallows goexit is a fatal error that says so") {
  const support::child_result r = run_child("swallows goexit");
  CHECK(r.exited_with(2));
  CHECK(contains(r.err, "fatal error: runtime.goexit was stopped by a `catch (...)` that did not rethrow\n"));
  CHECK(contains(r.err, " [running]:\n"));
}

CHILD_PROGRAM("main exits, others go on") {
  return run([] {
    for (int i = 0; i < 100; ++i) {
      go([i] {
        for (int n = 0; n < i; ++n) {
          runtime::gosched();
        }
        if (i == 99) {
          std::fputs("still here\n", stdout);
        }
      });
    }
    runtime::goexit();
  });
}

PLAIN_TEST("GO12: when main has called goexit the others go on, and when they are done it is a deadlock") {
  for (const char* procs : {"procs=1", "procs=2", "procs=8"}) {
    const support::child_result r = run_child("main exits, others go on", {{"GOSSAMER", procs}});
    CHECK(r.exited_with(2));
    CHECK(r.out == "still here\n");
    CHECK(support::starts_with(r.err, "fatal error: no fibers (main called runtime.goexit) - deadlock!\n"));
  }
}
