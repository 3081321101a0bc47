// conc: parallel loops that carry results, errors and panics to their caller.
#include <gossamer/conc.hpp>

#include <array>
#include <atomic>
#include <list>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "child.hpp"
#include "fiber_test.hpp"

using namespace gossamer;
using gossamer::error;
using support::panic_of;

namespace {

std::vector<int> numbers(int n) {
  std::vector<int> all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

// Counts who is inside.
struct gauge {
  void enter() {
    const int now = ++inside;
    int seen = most;
    while (seen < now && !most.compare_exchange_weak(seen, now)) {
    }
  }
  void leave() { --inside; }
  std::atomic<int> inside{0}, most{0};
};

}  // namespace

FIBER_TEST("for_each calls once for each element, and is over when it returns") {
  std::vector<int> v = numbers(1000);
  conc::for_each(v, [](int& x) { x *= 2; });
  CHECK(v[999] == 1998);
  CHECK(std::accumulate(v.begin(), v.end(), 0) == 999 * 1000);
  std::list<std::string> words{"a", "b", "c"};
  conc::for_each(words, [](std::string& w) {
    runtime::gosched();
    w += w;
  });
  CHECK(words.back() == "cc");
  const std::array<int, 3> constant{1, 2, 3};
  std::atomic<int> sum = 0;
  CHECK(conc::for_each(constant, [&](int x) -> error {
          sum += x;
          return nil;
        }) == nil);
  CHECK(sum == 6);
  conc::for_each(std::vector<int>(), [](int) { panic("called"); });
  CHECK(runtime::num_fibers() >= 1);
}

FIBER_TEST("no more than the limit run at a time, and as many as that do") {
  for (const int limit : {1, 3, 10}) {
    gauge inside;
    auto gate = make_chan<void>();
    support::crew opener;
    opener.go([&] {
      CHECK(support::eventually([&] { return inside.inside == limit; }));
      close(gate);
    });
    conc::for_each(
        numbers(30),
        [&](int) {
          inside.enter();
          gate.recv();
          inside.leave();
        },
        limit);
    CHECK(inside.most == limit);
  }
  gauge inside;
  conc::for_each(numbers(50), [&](int) {
    inside.enter();
    runtime::gosched();
    inside.leave();
  });
  CHECK(inside.most <= runtime::max_procs());
  CHECK(panic_of([] { conc::for_each(numbers(1), [](int) {}, -1); }) ==
        "max fibers in a pool must be greater than zero");
}

FIBER_TEST("map returns the results in the order of the elements") {
  const auto squares = conc::map(
      numbers(200),
      [](int x) {
        for (int i = x % 5; i > 0; --i) {
          runtime::gosched();
        }
        return x * x;
      },
      8);
  CHECK(squares.size() == 200);
  CHECK(squares[14] == 196);
  CHECK(squares[199] == 199 * 199);
  const auto boxes = conc::map(numbers(3), [](int x) { return std::make_unique<int>(x); });  // move-only
  CHECK(*boxes[2] == 2);
  struct no_default {
    explicit no_default(int x) : n(x) {}
    int n;
  };
  CHECK(conc::map(numbers(2), [](int x) { return no_default(x); })[1].n == 1);
  const std::vector<bool> bits = conc::map(numbers(100), [](int x) { return x % 2 == 0; }, 4);
  CHECK(bits[98]);
  CHECK_FALSE(bits[99]);
  CHECK(conc::map(std::list<int>(), [](int x) { return x; }).empty());
}

FIBER_TEST("the first error is returned, and no more tasks are started after it") {
  std::atomic<int> called = 0;
  const error failed = errors::make("third");
  const error err = conc::for_each(
      numbers(1000),
      [&](int x) -> error {
        ++called;
        return x == 3 ? failed : nil;
      },
      1);
  CHECK(err == failed);
  CHECK(called == 4);
  auto [results, e] = conc::map(
      numbers(100),
      [&](int x) -> std::pair<int, error> {
        if (x == 50) {
          return {0, errors::make("half")};
        }
        return {x, nil};
      },
      4);
  CHECK(e.text() == "half");
  CHECK(results.empty());
  auto [all, none] = conc::map(numbers(5), [](int x) { return std::pair<int, error>(x, nil); });
  CHECK(none == nil);
  CHECK(all == numbers(5));
}

FIBER_TEST("those in progress when a task fails are waited for") {
  std::atomic<int> begun = 0, ended = 0;
  std::atomic<bool> failing = false;
  const error err = conc::for_each(
      numbers(100),
      [&](int x) -> error {
        ++begun;
        if (x == 0) {
          CHECK(support::eventually([&] { return begun == 4; }));
          failing = true;
          return errors::make("first");
        }
        support::eventually([&] { return failing.load(); });
        for (int i = 0; i < 20; ++i) {
          runtime::gosched();
        }
        ++ended;
        return nil;
      },
      4);
  CHECK(err.text() == "first");
  CHECK(begun == ended + 1);
}

FIBER_TEST("a task's panic is the caller's: its value is kept, and what() says where it came from") {
  struct reason {
    int n;
  };
  bool caught = false;
  std::atomic<int> called = 0;
  try {
    conc::for_each(
        numbers(100),
        [&](int x) {
          ++called;
          if (x == 7) {
            panic(reason{x});
          }
        },
        1);
  } catch (const conc::task_panic& p) {
    caught = true;
    CHECK(p.value<reason>() != nullptr);
    CHECK(p.value<reason>()->n == 7);
    CHECK(p.index() == 7);
    CHECK(support::contains(p.what(), "[task 7 of conc::for_each at "));
    CHECK(support::contains(p.what(), "conc_test.cpp:"));
    CHECK(support::starts_with(p.what(), p.text()));
  }
  CHECK(caught);
  CHECK(called == 8);
  CHECK(panic_of([] { conc::map(numbers(3), [](int) -> int { panic("no result"); }); }) == "no result");
}

FIBER_TEST("an exception of a task is a panic with the exception as its value") {
  bool caught = false;
  try {
    conc::for_each(numbers(5), [](int) { throw std::out_of_range("far"); });
  } catch (const panic_error& p) {
    caught = p.text() == "far";
    const auto* e = p.value<std::exception_ptr>();
    CHECK(e != nullptr);
    CHECK_THROWS_AS(std::rethrow_exception(*e), std::out_of_range);
  }
  CHECK(caught);
}

FIBER_TEST("a task that leaves by goexit is over, and the others go on") {
  std::atomic<int> called = 0;
  conc::for_each(
      numbers(50),
      [&](int x) {
        ++called;
        if (x % 3 == 0) {
          runtime::goexit();
        }
      },
      2);
  CHECK(called == 50);
}

FIBER_TEST("loops may be nested") {
  const auto sums = conc::map(
      numbers(10),
      [](int x) {
        std::atomic<int> sum = 0;
        conc::for_each(numbers(20), [&](int y) { sum += x * y; }, 3);
        return sum.load();
      },
      4);
  CHECK(sums[9] == 9 * 190);
}

PLAIN_TEST("a plain thread runs a loop") {
  const auto doubled = conc::map(numbers(100), [](int x) { return 2 * x; }, 4);
  CHECK(doubled[99] == 198);
}

CHILD_PROGRAM("a loop's panic that nobody recovers") {
  return run([] { conc::for_each(numbers(3), [](int x) { panic("task " + std::to_string(x) + " broke"); }, 1); });
}
PLAIN_TEST("the report of a task's panic names the task") {
  const auto r = support::run_child("a loop's panic that nobody recovers");
  CHECK(r.exited_with(2));
  CHECK(support::contains(r.err, "panic: task 0 broke [task 0 of conc::for_each at "));
}

CHILD_PROGRAM("a loop's panic beside a task that never ends") {
  return run([] {
    auto never = make_chan<int>();
    auto begun = make_chan<void>();
    conc::for_each(
        numbers(100),
        [&](int x) {
          if (x == 0) {
            close(begun);
            never.recv();
          }
          begun.recv();
          panic("broke\nin two lines");
        },
        2);
  });
}
PLAIN_TEST("a task's panic is shown by the report of a deadlock, where a task in progress keeps it from its caller") {
  const auto r = support::run_child("a loop's panic beside a task that never ends");
  CHECK(r.exited_with(2));
  CHECK(support::starts_with(r.err, "fatal error: all fibers are asleep - deadlock!"));
  CHECK(support::contains(r.err, "[sync.WaitGroup.Wait, on \"conc::for_each, task 1 panicked: broke\"]"));
}

FIBER_TEST("a panic goes before an error that came before it, and waits for the tasks in progress") {
  std::atomic<int> failed = 0, in_progress = 0;
  std::string text;
  try {
    const error err = conc::for_each(
        numbers(4),
        [&](int x) -> error {
          ++in_progress;
          CHECK(support::eventually([&] { return in_progress + failed == 4 && failed == x; }));
          --in_progress;
          ++failed;
          if (x == 0) {
            return errors::make("an error");
          }
          panic("panic " + std::to_string(x));
        },
        4);
    static_cast<void>(err);
  } catch (const conc::task_panic& p) {
    CHECK(failed == 4);
    text = p.text();
  }
  CHECK(support::starts_with(text, "panic "));
}
