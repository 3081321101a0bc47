// defer and func: order, recovery, results, goexit.
#include "gossamer/defer.hpp"

#include <atomic>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "child.hpp"
#include "fiber_test.hpp"

using namespace gossamer;
using support::contains;
using support::panic_of;
using support::run_child;

FIBER_TEST("GO4: defers of a scope run last in, first out, on return and on panic") {
  std::string order;
  {
    defer d1{[&] { order += "1"; }};
    defer d2{[&] { order += "2"; }};
  }
  CHECK(panic_of([&] {
          defer d3{[&] { order += "3"; }};
          defer d4{[&] { order += "4"; }};
          panic("p");
        }) == "p");
  CHECK(order == "2143");
}

FIBER_TEST("a defer whose call panics in a scope that ends normally panics there, and the others still run") {
  std::string order;
  CHECK(panic_of([&] {
          defer d1{[&] { order += "1"; }};
          defer d2{[] { panic("from a defer"); }};
        }) == "from a defer");
  CHECK(order == "1");
}

FIBER_TEST("a defer may block while a panic unwinds its scope, and catch inside") {
  auto ch = make_chan<int>();
  int got = 0;
  CHECK(panic_of([&] {
          defer d{[&] {
            go([=] { ch << 7; });
            got = *ch;
            CHECK(panic_of([] { panic("inner"); }) == "inner");
          }};
          panic("outer");
        }) == "outer");
  CHECK(got == 7);
}

FIBER_TEST("GO4: func runs its defers last in, first out, in loops too") {
  std::string order;
  func([&](defers& defer) {
    for (int i = 0; i < 5; ++i) {
      defer([&, i] { order += std::to_string(i); });
    }
    order += "b";
  });
  CHECK(order == "b43210");
}

FIBER_TEST("a deferred call may defer; what it defers runs next") {
  std::string order;
  func([&](defers& defer) {
    defer([&] { order += "1"; });
    defer([&] {
      defer([&] { order += "3"; });
      order += "2";
    });
  });
  CHECK(order == "231");
}

FIBER_TEST("recover stops the panic and returns its value; without one it is empty") {
  std::string text;
  func([&](defers& defer) {
    defer([&] { CHECK_FALSE(defer.recover()); });
    defer([&] {
      auto p = defer.recover();
      CHECK(p);
      text = p->text();
      CHECK(*p->value<std::string>() == "no");
      CHECK_FALSE(defer.recover());
    });
    CHECK_FALSE(defer.recover());
    panic("no");
  });
  CHECK(text == "no");
  CHECK(std::current_exception() == nullptr);
  CHECK(std::uncaught_exceptions() == 0);
}

FIBER_TEST("a panic that nobody recovers leaves func when the defers have run, unchanged") {
  bool ran = false;
  try {
    func([&](defers& defer) {
      defer([&] { ran = true; });
      throw std::out_of_range("far");
    });
    CHECK(false);
  } catch (const std::out_of_range& e) {
    CHECK(std::string(e.what()) == "far");
  }
  CHECK(ran);
}

FIBER_TEST("recover takes any exception") {
  func([](defers& defer) {
    defer([&] {
      auto p = defer.recover();
      CHECK(p->text() == "std");
      CHECK(p->value<std::exception_ptr>() != nullptr);
    });
    throw std::runtime_error("std");
  });
}

FIBER_TEST("func returns what its body returned; after a recovery the zero value, or the named result") {
  CHECK(func([](defers&) { return 4; }) == 4);
  CHECK(func([](defers& defer) -> int {
          defer([&] { defer.recover(); });
          panic("x");
        }) == 0);
  CHECK(func<int>([](defers& defer, int& result) {
          defer([&] { result *= 2; });
          result = 4;
        }) == 8);
  const error err = func<error>([](defers& defer, error& result) {
    defer([&] {
      if (auto p = defer.recover()) {
        result = errors::make("recovered: ", *p);
      }
    });
    panic("deep");
  });
  CHECK(err.text() == "recovered: deep");
}

FIBER_TEST("a panic in a deferred call replaces the one before") {
  int ran = 0;
  CHECK(panic_of([&] {
          func([&](defers& defer) {
            defer([&] { ++ran; });
            defer([&] { panic("second"); });
            panic("first");
          });
        }) == "second");
  CHECK(ran == 1);
  func([](defers& defer) {
    defer([&] { CHECK(defer.recover()->text() == "second"); });
    defer([&] {
      CHECK(defer.recover()->text() == "first");
      panic("second");
    });
    panic("first");
  });
}

FIBER_TEST("a recovered panic may be thrown again, and is the same one") {
  CHECK(panic_of([] {
          func([](defers& defer) {
            defer([&] {
              auto p = defer.recover();
              throw *p;
            });
            panic("same");
          });
        }) == "same");
}

FIBER_TEST("funcs nest: each recovers its own panic only") {
  func([](defers& defer) {
    defer([&] {
      func([&](defers& inner) {
        inner([&] { CHECK(inner.recover()->text() == "in"); });
        panic("in");
      });
      CHECK(defer.recover()->text() == "out");
    });
    panic("out");
  });
}

FIBER_TEST("panic carries any value, with Go's text") {
  const auto caught = [](auto f) {
    try {
      f();
    } catch (const panic_error& p) {
      return p;
    }
    return panic_error("none");
  };
  CHECK(*caught([] { panic(42); }).value<int>() == 42);
  CHECK(caught([] { panic(42); }).value<long>() == nullptr);
  CHECK(panic_of([] { panic(42); }) == "42");
  CHECK(panic_of([] { panic(true); }) == "true");
  CHECK(panic_of([] { panic(-1.5); }) == "-1.500000e+000");
  CHECK(panic_of([] { panic(nil); }) == "panic called with nil argument");
  CHECK(panic_of([] { panic(error()); }) == "panic called with nil argument");
  const error err = errors::make("an error");
  CHECK(panic_of([&] { panic(err); }) == "an error");
  CHECK(*caught([&] { panic(err); }).value<error>() == err);
  struct with_text {
    std::string text() const { return "mine"; }
  };
  CHECK(panic_of([] { panic(with_text()); }) == "mine");
  struct plain {
    int n;
  };
  CHECK(caught([] { panic(plain{3}); }).value<plain>()->n == 3);
  CHECK(contains(panic_of([] { panic(plain{3}); }), "plain"));
}

FIBER_TEST("GO9: goexit runs defers of both kinds and cannot be recovered") {
  auto done = make_chan<std::string>(4);
  go([=] {
    std::string order;
    defer last{[&] { done << order; }};
    func([&](defers& defer) {
      defer([&] { order += defer.recover() ? "recovered" : "1"; });
      defer([&] { order += "2"; });
      runtime::goexit();
    });
    order += "not reached";
  });
  CHECK(*done == "21");
}

CHILD_PROGRAM("a defer throws during unwinding") {
  return run([] {
    try {
      defer d{[] { panic("second"); }};
      panic("first");
    } catch (...) {
    }
  });
}

PLAIN_TEST("a defer that throws during unwinding is a fatal report, not std::terminate's") {
  const support::child_result r = run_child("a defer throws during unwinding");
  CHECK(r.exited_with(2));
  CHECK(contains(r.err, "panic: second\n"));
  CHECK(contains(r.err, "fiber 1 [running]:\n"));
}

// Many frames below its caller; returns nothing but a panic where depth >= 0.
[[gnu::noinline]] static void panics_below(int depth, const char* text) {
  if (depth == 0) {
    panic(text);
  }
  if (depth > 0) {
    panics_below(depth - 1, text);
    asm volatile("" : : : "memory");
  }
}

CHILD_PROGRAM("a defer throws while a panic leaves the fiber") {
  return run([] {
    defer d{[] { panic("second"); }};
    panics_below(30, "first");
  });
}
CHILD_PROGRAM("a defer throws while an exception leaves the fiber") {
  return run([] {
    defer d{[] {
      time::sleep(1ms);
      throw std::runtime_error("second");
    }};
    throw std::out_of_range("first");
  });
}
CHILD_PROGRAM("a defer throws while a chain leaves the fiber") {
  return run([] {
    defer d{[] {
      try {
        panic("second");
      } catch (...) {
        panic("third");
      }
    }};
    func([](defers& defer) {
      defer([] { panic("first"); });
      panic("zeroth");
    });
  });
}
CHILD_PROGRAM("a defer throws inside func") {
  return run([] {
    func([](defers& defer) {
      defer([&] { defer.recover(); });
      gossamer::defer now{[] { panic("second"); }};
      panic("first");
    });
  });
}
CHILD_PROGRAM("a defer throws inside func, on a plain thread") {
  func([](defers& defer) {
    defer([&] { defer.recover(); });
    gossamer::defer now{[] { panic("second"); }};
    panic("first");
  });
  return 0;
}
CHILD_PROGRAM("a defer throws during goexit") {
  return run([] {
    defer d{[] { panic("second"); }};
    runtime::goexit();
  });
}

PLAIN_TEST("FR5: a panic of a defer during unwinding stands behind the panic that was on its way") {
  const std::pair<const char*, const char*> expected[] = {
      {"a defer throws while a panic leaves the fiber", "panic: first\n\tpanic: second\n"},
      {"a defer throws while an exception leaves the fiber", "panic: first\n\tpanic: second\n"},
      {"a defer throws while a chain leaves the fiber",
       "panic: zeroth\n\tpanic: first\n\tpanic: second [recovered]\n\tpanic: third\n"},
      {"a defer throws inside func", "panic: first\n\tpanic: second\n"},
      {"a defer throws inside func, on a plain thread", "panic: first\n\tpanic: second\n"},
      {"a defer throws during goexit", "panic: second\n"},
  };
  for (const auto& [program, begin] : expected) {
    const support::child_result r = run_child(program);
    if (!r.exited_with(2) || !support::starts_with(r.err, begin)) {
      FAIL_CHECK(program << ": exit code " << r.code << ", signal " << r.signal << "\n" << r.err);
    }
    if (std::string_view(program) == "a defer throws while a panic leaves the fiber") {
      CHECK(support::count_of(r.err, "\n\t") >= 30);  // the frames of the first
    }
  }
}

CHILD_PROGRAM("func throws on") {
  return run([] {
    func([](defers& outer) {
      outer([] { runtime::gosched(); });
      func([](defers& inner) {
        inner([] { time::sleep(1ms); });
        panics_below(30, "deep");
      });
    });
  });
}
CHILD_PROGRAM("a deferred call throws what it has recovered") {
  return run([] {
    func([](defers& defer) {
      defer([&] {
        auto p = defer.recover();
        throw *p;
      });
      panics_below(30, "deep");
    });
  });
}
CHILD_PROGRAM("a deferred call panics deep down") {
  return run([] {
    func([](defers& defer) {
      defer([] { panics_below(30, "deep"); });
      panic("first");
    });
  });
}
PLAIN_TEST("the report of a panic that went through func has the frames of where it was thrown first") {
  for (const char* program :
       {"func throws on", "a deferred call throws what it has recovered", "a deferred call panics deep down"}) {
    const support::child_result r = run_child(program);
    if (!r.exited_with(2) || !contains(r.err, "panic: deep\n\nfiber 1 [running]:\n") ||
        support::count_of(r.err, "\n\t") < 30) {
      FAIL_CHECK(program << ": exit code " << r.code << ", signal " << r.signal << "\n" << r.err);
    }
  }
}

PLAIN_TEST("GO2: main returns while fibers run their defers: they are abandoned there, and run works again") {
  for (const int procs : {1, 2, 8}) {
    std::atomic<int> after = 0;
    const int code = run(
        [&] {
          auto in_defer = make_chan<void>();
          for (int i = 0; i < 3; ++i) {
            go([&, in_defer] {
              defer d{[&, in_defer] {
                in_defer.send();
                make_chan<int>().recv();
                ++after;
              }};
              func([&, in_defer](defers& defer) {
                defer([&, in_defer] {
                  in_defer.send();
                  runtime::gosched();
                });
                panic("on its way");
              });
            });
          }
          for (int i = 0; i < 6; ++i) {
            in_defer.recv();
          }
          return 3;
        },
        {.procs = procs});
    CHECK(code == 3);
    CHECK(after == 0);
  }
  CHECK(run([] { return 4; }) == 4);
}
