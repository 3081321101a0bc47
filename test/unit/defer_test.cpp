// defer and func: order, recovery, results, goexit.
#include "gossamer/defer.hpp"

#include <atomic>
#include <exception>
#include <limits>
#include <optional>
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
  CHECK(panic_of([] { panic(-1.5); }) == "-1.5");
  CHECK(panic_of([] { panic(0.1F); }) == "0.1");
  CHECK(panic_of([] { panic(999999.0); }) == "999999");
  CHECK(panic_of([] { panic(1e6); }) == "1e+06");
  CHECK(panic_of([] { panic(123456789.0); }) == "1.23456789e+08");
  CHECK(panic_of([] { panic(0.0001); }) == "0.0001");
  CHECK(panic_of([] { panic(0.00001); }) == "1e-05");
  CHECK(panic_of([] { panic(-std::numeric_limits<double>::infinity()); }) == "-Inf");
  CHECK(panic_of([] { panic(std::numeric_limits<double>::quiet_NaN()); }) == "NaN");
  CHECK(panic_of([] { panic('x'); }) == "120");
  enum class color : char { red = 3 };
  CHECK(contains(panic_of([] { panic(color::red); }), "color(3)"));
  CHECK(contains(panic_of([] { panic(reinterpret_cast<int*>(0x40)); }), "(int*) 0x40"));
  CHECK(panic_of([] { panic(nil); }) == "runtime error: panic called with nil argument");
  CHECK(panic_of([] { panic(error()); }) == "runtime error: panic called with nil argument");
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

FIBER_TEST("FR7: misuse that is a runtime error in Go is one here: an error whose type says so") {
  const auto value_of = [](auto f) -> error {
    try {
      f();
    } catch (const panic_error& p) {
      return p.value<error>() != nullptr ? *p.value<error>() : errors::make("not an error");
    }
    return nil;
  };
  const auto is_runtime_error = [](const error& e, std::string_view text) {
    return errors::as<runtime::error>(e) != nullptr && e.text() == text;
  };
  const std::string nil_text = "runtime error: invalid memory address or nil pointer dereference";
  const auto closed = make_chan<int>();
  close(closed);
  CHECK(is_runtime_error(value_of([&] { close(closed); }), "close of closed channel"));
  CHECK(is_runtime_error(value_of([] { close(chan<int>()); }), "close of nil channel"));
  CHECK(is_runtime_error(value_of([&] { closed << 1; }), "send on closed channel"));
  CHECK(is_runtime_error(value_of([&] { select(send(closed, 1)); }), "send on closed channel"));
  CHECK(is_runtime_error(value_of([] { static_cast<void>(make_chan<int>(-1)); }), "makechan: size out of range"));
  CHECK(is_runtime_error(value_of([] { context::context().err(); }), nil_text));
  CHECK(is_runtime_error(value_of([] { context::cancel_func()(); }), nil_text));
  CHECK(is_runtime_error(value_of([] { static_cast<void>(error().text()); }), nil_text));
  CHECK(is_runtime_error(value_of([] { panic(nil); }), "runtime error: panic called with nil argument"));
  CHECK(is_runtime_error(value_of([] { panic(error()); }), "runtime error: panic called with nil argument"));
  CHECK(errors::as<runtime::panic_nil_error>(value_of([] { panic(nil); })) != nullptr);
  CHECK(errors::as<runtime::panic_nil_error>(value_of([] { panic(error()); })) != nullptr);
  // And what is a string in Go is none.
  CHECK(value_of([] { sync::wait_group().done(); }).text() == "not an error");
  func([&](defers& defer) {
    defer([&] {
      const auto p = defer.recover();
      CHECK(errors::as<runtime::error>(*p->value<error>()) != nullptr);
      CHECK(errors::as<runtime::error>(errors::from_exception(std::make_exception_ptr(*p))) != nullptr);
    });
    close(closed);
  });
}

FIBER_TEST("a panic with what was recovered has its value, and is another one") {
  std::optional<panic_error> first, second;
  try {
    panic(42);
  } catch (const panic_error& p) {
    first.emplace(p);
  }
  try {
    panic(*first);
  } catch (const panic_error& p) {
    second.emplace(p);
  }
  CHECK(second->text() == "42");
  CHECK(*second->value<int>() == 42);
  CHECK(second->value<int>() == first->value<int>());
  CHECK(&second->payload() != &first->payload());
  CHECK(*[&] {
    try {
      panic(*second);
    } catch (const panic_error& p) {
      return p;
    }
  }()
             .value<int>() == 42);
}

#if !defined(__SANITIZE_ADDRESS__) && __has_builtin(__builtin_clear_padding)  // ASan has variables elsewhere
FIBER_TEST("a deferred call that refers to a variable of the body panics when it is deferred") {
  const std::string text =
      "gossamer: a deferred call refers to a variable of func()'s body, which is gone when it runs: "
      "declare it before func()";
  int outside = 0, ran = 0;
  CHECK(panic_of([&] {
          func([&](defers& defer) {
            int inside = 1;
            defer([&] { ran += inside; });
            asm volatile("" : : "r"(&inside) : "memory");
          });
        }) == text);
  CHECK(panic_of([&] {
          func([&](defers& defer) {
            std::string inside = "x";
            defer([p = &inside, &ran] { ran += p->empty() ? 1 : 2; });
          });
        }) == text);
  // A variable of a deferred call is gone, too, when what it defers runs.
  CHECK(panic_of([&] {
          func([&](defers& defer) {
            defer([&] {
              std::string inside = "x";
              defer([&] { ran += inside.empty() ? 1 : 2; });
            });
          });
        }) == text);
  CHECK(ran == 0);
  // What stands outside, the defers, the result, and copies may be referred to.
  int result = func<int>([&](defers& defer, int& r) {
    int inside = 5;
    const auto twice = [&] { ++outside; };
    defer([&] { r += outside; });
    defer([&, inside] { outside += inside + (defer.recover() ? 100 : 0); });
    defer(twice);
    defer([copy = std::string("long enough to lie on the heap, or so"), &outside] { outside += copy.size() > 3; });
    r = 100;
  });
  CHECK(outside == 7);
  CHECK(result == 107);
}
#endif

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
    if (!r.exited_with(2) || !contains(r.err, "\n\nfiber 1 [running]:\n") || !contains(r.err, "panic: deep") ||
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

FIBER_TEST("GO9: a goexit that gave way to a panic goes on where the panic is recovered") {
  const auto done = make_chan<std::string>(4);
  go([=] {
    std::string order;
    defer last{[&] { done << order; }};
    func([&](defers& outer) {
      outer([&] { order += outer.recover() ? "recovered" : "nothing"; });
      func([&](defers& inner) {
        inner([] { panic("during"); });
        runtime::goexit();
      });
    });
    order += " and not reached";
  });
  CHECK(*done == "recovered");
  // Of another fiber it is a panic like any other.
  const auto carried = make_chan<std::exception_ptr>(1);
  go([=] {
    try {
      func([&](defers& inner) {
        inner([] { panic("during"); });
        runtime::goexit();
      });
    } catch (const panic_error&) {
      carried << std::current_exception();
    }
  });
  std::string seen;
  func([&](defers& defer) {
    defer([&] { seen = defer.recover()->text(); });
    std::rethrow_exception(*carried);
  });
  CHECK(seen == "during");
}
