// What the process says when an exception leaves a fiber.
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>

#include "child.hpp"
#include "fiber_test.hpp"

using namespace gossamer;
using support::child_result;
using support::contains;
using support::run_child;
using support::starts_with;

namespace {

// A value whose destructor does some work, so that g++ unwinds in its frame.
struct has_destructor {
  ~has_destructor() { asm volatile("" : : : "memory"); }
};

}  // namespace

// Exported names, which dladdr finds; the tests are not linked with -rdynamic, so where they are not found the module
// and the offset stand for them.
[[gnu::noinline]] void throws_at_the_bottom(int depth) {
  const has_destructor d;
  if (depth == 0) {
    throw std::runtime_error("bottom");
  }
  throws_at_the_bottom(depth - 1);
  asm volatile("" : : : "memory");
}

CHILD_PROGRAM("throws deep down") {
  return run([] {
    go([] { throws_at_the_bottom(20); });
    make_chan<int>().recv();
  });
}
CHILD_PROGRAM("throws very deep down") {
  return run([] {
    go(fiber_options{.stack_bytes = 1 << 20}, [] { throws_at_the_bottom(300); });
    make_chan<int>().recv();
  });
}

PLAIN_TEST("FR3: the report has the frames of the throw site, though destructors lie between") {
  const child_result r = run_child("throws deep down");
  CHECK(r.exited_with(2));
  CHECK(starts_with(r.err, "panic: bottom\n\nfiber "));
  CHECK(contains(r.err, " [running]:\n"));
  CHECK(contains(r.err, "created by "));
  CHECK(contains(r.err, " in fiber 1\n"));
  CHECK(support::count_of(r.err, "\n\t") >= 21);
  CHECK_FALSE(contains(r.err, "frames elided"));
  CHECK_FALSE(contains(r.err, "_Unwind_RaiseException"));
}

PLAIN_TEST("a long stack is elided in the middle") {
  const child_result r = run_child("throws very deep down");
  CHECK(r.exited_with(2));
  CHECK(contains(r.err, " frames elided...\n"));
  CHECK(support::count_of(r.err, "\n\t") <= 100);
  CHECK(support::count_of(r.err, "\n\t") >= 90);
}

CHILD_PROGRAM("panics again after a recovery") {
  return run([] {
    func([](defers& defer) {
      defer([&] {
        defer.recover();
        panic("second");
      });
      panic("first");
    });
  });
}
CHILD_PROGRAM("panics in a deferred call") {
  return run([] {
    func([](defers& defer) {
      defer([] { panic("third"); });
      defer([] { panic("second"); });
      panic("first");
    });
  });
}
CHILD_PROGRAM("panics in a handler") {
  return run([] {
    try {
      throw std::runtime_error("first");
    } catch (...) {
      panic("second");
    }
  });
}
CHILD_PROGRAM("throws with a nested one") {
  return run([] {
    try {
      throw std::runtime_error("low");
    } catch (...) {
      std::throw_with_nested(std::runtime_error("high"));
    }
  });
}
CHILD_PROGRAM("rethrows on another worker") {
  return run([] {
    auto ch = make_chan<std::exception_ptr>();
    go([=] {
      try {
        panic("carried");
      } catch (...) {
        ch << std::current_exception();
      }
    });
    std::rethrow_exception(*ch);
  });
}
CHILD_PROGRAM("panics with lines") {
  return run([] { panic("one\ntwo"); });
}
CHILD_PROGRAM("panics with an error") {
  return run([] { panic(errors::wrap(errors::make("inner"), "job ", 7)); });
}
CHILD_PROGRAM("panics with 42") {
  return run([] { panic(42); });
}
CHILD_PROGRAM("panics with 1.5") {
  return run([] { panic(1.5); });
}
CHILD_PROGRAM("closes twice") {
  return run([] {
    const auto ch = make_chan<int>();
    close(ch);
    close(ch);
  });
}
CHILD_PROGRAM("panics with the same again") {
  return run([] {
    func([](defers& defer) {
      defer([&] {
        const auto p = defer.recover();
        panic(*p);
      });
      panic("same");
    });
  });
}
CHILD_PROGRAM("panics with the same value again") {
  return run([] {
    func([](defers& defer) {
      defer([&] {
        const auto p = defer.recover();
        panic(*p->value<std::string>());
      });
      panic("same");
    });
  });
}
CHILD_PROGRAM("throws what it has recovered") {
  return run([] {
    func([](defers& defer) {
      defer([&] {
        const auto p = defer.recover();
        throw *p;
      });
      panic(errors::make("same"));
    });
  });
}
CHILD_PROGRAM("panics with a recovered exception") {
  return run([] {
    func([](defers& defer) {
      defer([&] {
        const auto p = defer.recover();
        panic(*p);
      });
      throw std::runtime_error("same");
    });
  });
}
CHILD_PROGRAM("panics in a handler with the same") {
  return run([] {
    try {
      panic("same");
    } catch (const panic_error& p) {
      panic(p);
    }
  });
}
CHILD_PROGRAM("panics three times, the middle one twice") {
  return run([] {
    func([](defers& defer) {
      defer([&] {
        defer.recover();
        panic("outer");
      });
      func([](defers& again) {
        again([&] { panic(*again.recover()); });
        func([](defers& inner) {
          inner([&] {
            inner.recover();
            panic("middle");
          });
          panic("inner");
        });
      });
    });
  });
}
CHILD_PROGRAM("panics with another in between") {
  return run([] {
    std::optional<panic_error> outer;
    func([&](defers& defer) {
      defer([&] {
        defer.recover();
        panic(*outer);
      });
      func([&](defers& inner) {
        inner([&] {
          outer = inner.recover();
          panic("inner");
        });
        panic("outer");
      });
    });
  });
}
CHILD_PROGRAM("panics in a deferred call of a deferred call") {
  return run([] {
    func([](defers& defer) {
      defer([] {
        func([](defers& inner) {
          inner([] { panic("third"); });
          panic("second");
        });
      });
      panic("first");
    });
  });
}
CHILD_PROGRAM("panics in a deferred call of a deferred call that has recovered") {
  return run([] {
    func([](defers& defer) {
      defer([&] {
        defer.recover();
        func([](defers& inner) {
          inner([] { panic("third"); });
          panic("second");
        });
      });
      panic("first");
    });
  });
}
CHILD_PROGRAM("panics twice with one value") {
  return run([] {
    const error e = errors::make("message");
    func([&](defers& defer) {
      defer([&] { panic(e); });
      panic(e);
    });
  });
}
CHILD_PROGRAM("panics with nil") {
  return run([] { panic(nil); });
}

PLAIN_TEST("FR5: a chain of panics is printed first to last, and says what was recovered") {
  const std::pair<const char*, const char*> expected[] = {
      {"panics again after a recovery", "panic: first [recovered]\n\tpanic: second\n\nfiber 1 [running]:\n"},
      {"panics in a deferred call", "panic: first\n\tpanic: second\n\tpanic: third\n\nfiber 1 [running]:\n"},
      {"panics in a handler", "panic: first [recovered]\n\tpanic: second\n\nfiber 1 [running]:\n"},
      {"throws with a nested one", "panic: low [recovered]\n\tpanic: high\n\nfiber 1 [running]:\n"},
      {"rethrows on another worker", "panic: carried\n\nfiber 1 [running]:\n"},
      {"panics with lines", "panic: one\n\ttwo\n\nfiber 1 [running]:\n"},
      {"panics with an error", "panic: job 7: inner\n\nfiber 1 [running]:\n"},
      {"panics with 42", "panic: 42\n\nfiber 1 [running]:\n"},
      {"panics with nil", "panic: runtime error: panic called with nil argument\n\nfiber 1 [running]:\n"},
      {"panics with the same again", "panic: same [recovered, repanicked]\n\nfiber 1 [running]:\n"},
      {"panics with the same value again", "panic: same [recovered, repanicked]\n\nfiber 1 [running]:\n"},
      {"throws what it has recovered", "panic: same [recovered, repanicked]\n\nfiber 1 [running]:\n"},
      {"panics with a recovered exception", "panic: same [recovered, repanicked]\n\nfiber 1 [running]:\n"},
      {"panics in a handler with the same", "panic: same [recovered, repanicked]\n\nfiber 1 [running]:\n"},
      {"panics three times, the middle one twice",
       "panic: inner [recovered]\n\tpanic: middle [recovered, repanicked]\n\tpanic: outer\n\nfiber 1 [running]:\n"},
      {"panics with another in between",
       "panic: outer [recovered]\n\tpanic: inner [recovered]\n\tpanic: outer\n\nfiber 1 [running]:\n"},
      {"panics in a deferred call of a deferred call",
       "panic: first\n\tpanic: second\n\tpanic: third\n\nfiber 1 [running]:\n"},
      {"panics in a deferred call of a deferred call that has recovered",
       "panic: first [recovered]\n\tpanic: second\n\tpanic: third\n\nfiber 1 [running]:\n"},
      {"panics twice with one value", "panic: message\n\nfiber 1 [running]:\n"},
      {"panics with 1.5", "panic: 1.5\n\nfiber 1 [running]:\n"},
      {"closes twice", "panic: close of closed channel\n\nfiber 1 [running]:\n"},
  };
  for (const auto& [program, begin] : expected) {
    const child_result r = run_child(program);
    if (!r.exited_with(2) || !starts_with(r.err, begin)) {
      FAIL_CHECK(program << ": exit code " << r.code << ", signal " << r.signal << "\n" << r.err);
    }
  }
}

CHILD_PROGRAM("main returns while another panics") {
  return run([] {
    auto about_to = make_chan<int>();
    go([=] {
      defer d{[=] { about_to << 1; }};
      panic("while main returns");
    });
    about_to.recv();
  });
}

PLAIN_TEST("a report that has begun is finished, though main returns") {
  // Which is first is open; a report that stands there is whole, and has its code.
  for (int i = 0; i < 10; ++i) {
    const child_result r = run_child("main returns while another panics", {{"GOSSAMER", "procs=2"}});
    if (r.err.empty()) {
      CHECK(r.exited_with(0));
    } else {
      CHECK(r.exited_with(2));
      CHECK(contains(r.err, "created by "));
    }
  }
}
