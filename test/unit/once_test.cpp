// sync::once, once_func, once_value, once_values (docs/go-semantics.md, ON1, ON2).
#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "inside.hpp"

using namespace gossamer;
using support::await_parked;
using support::crew;
using support::panic_of;
using support::scale;

namespace {

constinit sync::once global_once;  // usable before main()

}  // namespace

FIBER_TEST("ON1: once runs once") {
  sync::once once;
  int ran = 0;
  once.do_([&] { ++ran; });
  once.do_([&] { ++ran; });
  once.do_([&] { ran += 100; });
  CHECK(ran == 1);
  global_once.do_([] {});
}

FIBER_TEST("ON1: concurrent callers wait until the call is over") {
  sync::once once;
  auto gate = make_chan<void>();
  std::atomic<int> ran = 0, passed = 0, early = 0;
  std::atomic<bool> over = false;
  crew all;
  const auto call = [&] {
    once.do_([&] {
      ++ran;
      gate.recv();
      over = true;
    });
    early += !over;
    ++passed;
  };
  all.go(call);
  CHECK(await_parked(wait_reason::chan_receive, 1));
  for (int i = 0; i < 10; ++i) {
    all.go(call);
  }
  CHECK(await_parked(wait_reason::once_do, 10));
  std::thread thread(call);
  CHECK(passed == 0);
  close(gate);
  all.join();
  thread.join();
  CHECK(ran == 1);
  CHECK(passed == 12);
  CHECK(early == 0);
}

FIBER_TEST("ON1: what the call wrote is seen by all, however they race") {
  int wrong = 0;
  for (int round = 0; round < scale(3000); ++round) {
    sync::once once;
    int made = 0, ran = 0;  // written in the call
    std::atomic<int> bad = 0;
    {
      crew all;
      for (int i = 0; i < 4; ++i) {
        all.go([&, i] {
          once.do_([&] {
            if ((round + i) % 2 == 0) {
              runtime::gosched();
            }
            made = round;
            ++ran;
          });
          bad += made != round || ran != 1;
        });
      }
    }
    wrong += bad;
  }
  CHECK(wrong == 0);
}

FIBER_TEST("ON1: a panic counts as done") {
  sync::once once;
  int ran = 0;
  CHECK(panic_of([&] {
          once.do_([&] {
            ++ran;
            panic("first");
          });
        }) == "first");
  CHECK(panic_of([&] { once.do_([&] { ++ran; }); }) == "(no panic)");
  CHECK(ran == 1);
}

FIBER_TEST("ON1: those that wait for a call that panics return") {
  sync::once once;
  auto gate = make_chan<void>();
  std::atomic<int> passed = 0;
  crew all;
  all.go([&] {
    passed += panic_of([&] {
                once.do_([&] {
                  gate.recv();
                  panic("no");
                });
              }) == "no";
  });
  CHECK(await_parked(wait_reason::chan_receive, 1));
  for (int i = 0; i < 3; ++i) {
    all.go([&] {
      once.do_([&] { passed += 100; });
      ++passed;
    });
  }
  CHECK(await_parked(wait_reason::once_do, 3));
  gate.send();
  all.join();
  CHECK(passed == 4);
}

FIBER_TEST("ON1: fibers and plain threads call it once") {
  for (int round = 0; round < scale(200); ++round) {
    sync::once once;
    std::atomic<int> ran = 0, early = 0;
    const auto call = [&] {
      once.do_([&] {
        runtime::gosched();
        ++ran;
      });
      early += ran != 1;
    };
    crew all;
    std::thread a(call), b(call);
    all.go(call);
    all.go(call);
    all.join();
    a.join();
    b.join();
    CHECK(ran == 1);
    CHECK(early == 0);
  }
}

FIBER_TEST("ON2: a once_func calls once, and its copies share that") {
  int ran = 0;
  auto f = sync::once_func([&] { ++ran; });
  const auto copy = f;
  f();
  copy();
  f();
  CHECK(ran == 1);
  const std::function<void()> erased = copy;
  erased();
  CHECK(ran == 1);
}

FIBER_TEST("ON2: once_value and once_values return the same to every caller") {
  int ran = 0;
  const auto value = sync::once_value([&] { return std::make_unique<int>(++ran); });
  CHECK(*value() == 1);
  CHECK(&value() == &value());
  const auto values = sync::once_values([&] { return std::tuple(++ran, std::string("two")); });
  const auto& [n, text] = values();
  CHECK(n == 2);
  CHECK(text == "two");
  const auto [again, same] = values();
  CHECK(again == 2);
  CHECK(same == "two");
  CHECK(*sync::once_value([p = std::make_unique<int>(5)]() mutable { return std::move(p); })() == 5);
  CHECK(ran == 2);
}

FIBER_TEST("ON2: a panic repeats for every caller, as the same exception") {
  int ran = 0;
  const auto f = sync::once_value([&]() -> int {
    ++ran;
    panic("made of " + std::to_string(ran));
  });
  const std::exception* first = nullptr;
  for (int i = 0; i < 3; ++i) {
    try {
      f();
      FAIL_CHECK("no panic");
    } catch (const panic_error& p) {
      CHECK(p.text() == "made of 1");
      CHECK((first == nullptr || first == &p));
      first = &p;
    }
  }
  const auto g = sync::once_func([] { throw std::out_of_range("far"); });
  for (int i = 0; i < 2; ++i) {
    CHECK_THROWS_AS(g(), std::out_of_range);
  }
  std::atomic<int> failed = 0;
  crew all;
  for (int i = 0; i < 8; ++i) {
    all.go([&] { failed += panic_of(f) == "made of 1"; });
  }
  all.join();
  CHECK(failed == 8);
  CHECK(ran == 1);
}

FIBER_TEST("ON2: a call that ends in goexit ends its caller, and later callers panic") {
  const std::string nil_text = "runtime error: panic called with nil argument";
  const auto held = std::make_shared<int>(1);
  const auto func = sync::once_func([held] { runtime::goexit(); });
  const auto value = sync::once_value([]() -> int { runtime::goexit(); });
  const auto values = sync::once_values([]() -> std::pair<int, int> { runtime::goexit(); });
  const auto all = [&](const auto& check) {
    check([&] { func(); });
    check([&] { value(); });
    check([&] { values(); });
    check([&] { func.until({}); });
  };
  std::atomic<int> returned = 0, panicked = 0;
  sync::wait_group first;
  first.go([&] {
    func();
    ++returned;
  });
  first.go([&] {
    value();
    ++returned;
  });
  first.go([&] {
    values();
    ++returned;
  });
  first.wait();
  CHECK(returned == 0);
  CHECK(held.use_count() == 1);
  all([&](const auto& call) { CHECK(panic_of(call) == nil_text); });
  sync::wait_group later;
  errgroup::group group;
  all([&](const auto& call) {
    later.go([&panicked, call, &nil_text] { panicked += panic_of(call) == nil_text; });
    group.go([&panicked, call, &nil_text] { panicked += panic_of(call) == nil_text; });
  });
  later.wait();
  CHECK(!group.wait());
  CHECK(panicked == 8);
}

FIBER_TEST("ON2: those that wait for a call that ends in goexit panic, and those of a once return") {
  const auto gate = make_chan<void>();
  const auto f = sync::once_func([&] {
    gate.recv();
    runtime::goexit();
  });
  sync::once once;
  std::atomic<int> ended = 0;
  sync::wait_group all;
  all.go([&] { f(); });
  all.go([&] {
    once.do_([&] {
      gate.recv();
      runtime::goexit();
    });
  });
  CHECK(await_parked(wait_reason::chan_receive, 2));
  for (int i = 0; i < 3; ++i) {
    all.go([&] { ended += panic_of(f) == "runtime error: panic called with nil argument"; });
    all.go([&] {
      once.do_([&] { ended += 100; });
      ++ended;
    });
  }
  CHECK(await_parked(wait_reason::once_do, 6));
  close(gate);
  all.wait();
  CHECK(ended == 6);
}

FIBER_TEST("ON2: the function is dropped after the first call") {
  for (const bool panics : {false, true}) {
    const auto held = std::make_shared<int>(1);
    const auto f = sync::once_func([held, panics] {
      if (panics) {
        panic("no");
      }
    });
    CHECK(held.use_count() == 2);
    CHECK(panic_of(f) == (panics ? "no" : "(no panic)"));
    CHECK(held.use_count() == 1);
  }
}
