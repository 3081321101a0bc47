// errgroup, semaphore and singleflight (docs/go-semantics.md, EG1, EG2, SM1, SF1, SF2).
#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "child.hpp"
#include "inside.hpp"
#include "tracked.hpp"

using namespace gossamer;
using support::await_parked;
using support::crew;
using support::eventually;
using support::panic_of;
using support::scale;

namespace {

struct tracked : support::life<tracked> {};
int alive() { return support::census<tracked>::alive; }

}  // namespace

// ---- errgroup -------------------------------------------------------------------------------------------------------

FIBER_TEST("EG1: the first error wins, cancels the context and is its cause") {
  const error first = errors::make("first"), second = errors::make("second");
  auto [g, ctx] = errgroup::with_context(context::background());
  const auto done = make_chan<void>();
  g.go([=]() -> error { return first; });
  g.go([=, c = ctx]() -> error {
    c.done().recv();
    done.send();
    return second;
  });
  g.go([=]() -> error { return nil; });
  done.recv();
  CHECK(wait::stop(ctx.done()).is_set());
  CHECK(ctx.err() == context::canceled);
  CHECK(context::cause(ctx) == first);
  CHECK(g.wait() == first);
  CHECK(g.wait() == first);
}

FIBER_TEST("EG1: after a clean wait the context is canceled") {
  auto [g, ctx] = errgroup::with_context(context::background());
  std::atomic<int> ran = 0;
  for (int i = 0; i < 10; ++i) {
    g.go([&] { ++ran; });  // a task may return nothing
  }
  CHECK(!g.wait());
  CHECK(ran == 10);
  CHECK(ctx.err() == context::canceled);
  CHECK(context::cause(ctx) == context::canceled);
}

FIBER_TEST("EG1: a group by itself collects the first error and cancels nothing; copies are one group") {
  const errgroup::group g;
  const errgroup::group copy = g;
  CHECK(copy == g);
  CHECK(copy != errgroup::group());
  CHECK(!g.wait());
  const error why = errors::make("why");
  copy.go([=]() -> error { return why; });
  CHECK(g.wait() == why);
}

FIBER_TEST("EG2: go waits at the limit, and try_go fails there") {
  constexpr int limit = 3;
  errgroup::group g;
  g.set_limit(limit);
  std::atomic<int> now = 0, most = 0, ran = 0;
  const auto hold = make_chan<void>();
  for (int i = 0; i < limit; ++i) {
    CHECK(g.try_go([=] { hold.recv(); }));
  }
  CHECK(!g.try_go([] {}));
  close(hold);
  CHECK(!g.wait());
  for (int i = 0; i < 100; ++i) {
    g.go([&] {
      const int n = ++now;
      for (int m = most; n > m && !most.compare_exchange_weak(m, n);) {
      }
      runtime::gosched();
      --now;
      ++ran;
    });
  }
  CHECK(!g.wait());
  CHECK(ran == 100);
  CHECK(most <= limit);
  g.set_limit(-1);
  CHECK(g.try_go([] {}));
  g.wait();
  g.set_limit(0);
  CHECK(!g.try_go([] {}));
}

FIBER_TEST("EG2: a limit change while tasks are at work panics and changes nothing") {
  errgroup::group g;
  g.set_limit(2);
  const auto hold = make_chan<void>();
  g.go([=] { hold.recv(); });
  CHECK(panic_of([&] { g.set_limit(5); }) == "errgroup: modify limit while 1 fibers in the group are still active");
  g.go([=] { hold.recv(); });
  CHECK(!g.try_go([] {}));
  CHECK(panic_of([&] { g.set_limit(-1); }) == "errgroup: modify limit while 2 fibers in the group are still active");
  close(hold);
  CHECK(!g.wait());
}

CHILD_PROGRAM("a task panics while a sibling runs") {
  return run([] {
    errgroup::group g;
    const auto never = make_chan<void>();
    g.go([=] { never.recv(); });
    g.go([] { panic("boom"); });
    try {
      g.wait();
    } catch (...) {
    }
    return 0;
  });
}
CHILD_PROGRAM("a task panics and nobody waits") {
  return run([] {
    {
      errgroup::group g;
      g.set_limit(1);
      g.go([]() -> error { throw std::invalid_argument("boom"); });
    }
    time::sleep(10s);
    return 0;
  });
}
CHILD_PROGRAM("a task panics while main waits for it alone") {
  return run([] {
    auto [g, ctx] = errgroup::with_context(context::background());
    g.go([] {
      const defer d{[] { time::sleep(1ms); }};
      panic("boom");
    });
    try {
      g.wait();
    } catch (...) {
    }
    return 0;
  });
}
PLAIN_TEST("a panic of a task ends the process at once, whoever waits, and whatever the others do") {
  for (const char* program : {"a task panics while a sibling runs", "a task panics and nobody waits",
                              "a task panics while main waits for it alone"}) {
    const auto child = support::run_child(program);
    if (!child.exited_with(2) || !support::starts_with(child.err, "panic: boom\n\nfiber ")) {
      FAIL_CHECK(program << ": exit code " << child.code << "\n" << child.err);
    }
    CHECK(child.took < 10s);
  }
}

FIBER_TEST("goexit of a task is no error") {
  errgroup::group quiet;
  quiet.set_limit(1);
  quiet.go([] { runtime::goexit(); });
  quiet.go([] {});
  CHECK(!quiet.wait());
}

FIBER_TEST("what a task holds is gone when wait returns, and it may be handed to a plain thread") {
  errgroup::group g;
  for (int i = 0; i < 20; ++i) {
    g.go([t = tracked()] { runtime::gosched(); });
  }
  g.wait();
  CHECK(alive() == 0);
  std::atomic<bool> ran = false;
  std::thread([g, &ran] {
    g.go([&] { ran = true; });
    g.wait();
  }).join();
  CHECK(ran);
}

CHILD_PROGRAM("errgroup of nothing") {
  return run([] { errgroup::group().go(std::function<error()>()); });
}
PLAIN_TEST("a task that is an empty function is fatal") {
  const auto child = support::run_child("errgroup of nothing");
  CHECK(child.exited_with(2));
  CHECK(support::contains(child.err, "go of nil func value"));
}

// ---- semaphore ------------------------------------------------------------------------------------------------------

FIBER_TEST("SM1: first come first served: small requests queue behind a large one") {
  semaphore::weighted sem(10);
  const auto& ctx = context::background();
  CHECK(!sem.acquire(ctx, 6));
  std::atomic<int> order = 0, large = 0, small = 0;
  crew all;
  all.go([&] {
    sem.acquire(ctx, 8);
    large = ++order;
    sem.release(8);
  });
  CHECK(await_parked(wait_reason::cond_wait, 1));
  all.go([&] {
    sem.acquire(ctx, 3);
    small = ++order;
    sem.release(3);
  });
  CHECK(await_parked(wait_reason::cond_wait, 2));
  CHECK(!sem.try_acquire(1));  // there are 4, but others wait
  CHECK(order == 0);
  sem.release(6);
  all.join();
  CHECK(large == 1);
  CHECK(small == 2);
  CHECK(sem.try_acquire(10));
  CHECK(!sem.try_acquire(1));
  CHECK(sem.try_acquire(0));
  sem.release(10);
}

FIBER_TEST("SM1: a front waiter that is cancelled lets the next ones go") {
  semaphore::weighted sem(10);
  CHECK(sem.try_acquire(6));
  auto [ctx, cancel] = context::with_cancel(context::background());
  crew all;
  std::atomic<int> failed = 0;
  all.go([&, c = ctx] { failed += sem.acquire(c, 10) == context::canceled; });
  CHECK(await_parked(wait_reason::cond_wait, 1));
  for (int i = 0; i < 2; ++i) {
    all.go([&] { sem.acquire(context::background(), 2); });
  }
  CHECK(await_parked(wait_reason::cond_wait, 3));
  cancel();
  all.join();
  CHECK(failed == 1);
  CHECK(!sem.try_acquire(1));
  sem.release(10);
}

FIBER_TEST("SM1: a done context fails though tokens are free; more than the size waits for its context alone") {
  semaphore::weighted sem(1);
  auto [ctx, cancel] = context::with_cancel(context::background());
  std::atomic<bool> ended = false;
  crew all;
  all.go([&, c = ctx] { ended = sem.acquire(c, 2) == context::canceled; });
  CHECK(await_parked(wait_reason::chan_receive, 1));
  CHECK(!sem.acquire(context::background(), 1));  // it is in nobody's way
  sem.release(1);
  cancel();
  all.join();
  CHECK(ended);
  CHECK(sem.acquire(ctx, 1) == context::canceled);
  auto [late, cancel_late] = context::with_timeout(context::background(), -1s);
  CHECK(sem.acquire(late, 1) == context::deadline_exceeded);
  CHECK(sem.try_acquire(1));
  auto [timed, cancel_timed] = context::with_timeout(context::background(), 1ms);
  CHECK(sem.acquire(timed, 1) == context::deadline_exceeded);
  sem.release(1);
}

FIBER_TEST("SM1: releasing more than is held panics, and negative weights do") {
  semaphore::weighted sem(2);
  CHECK(panic_of([&] { sem.release(1); }) == "semaphore: released more than held");
  CHECK(sem.try_acquire(1));
  CHECK(panic_of([&] { sem.release(2); }) == "semaphore: released more than held");
  CHECK(panic_of([&] { sem.acquire(context::background(), -1); }) == "semaphore: negative weight");
  CHECK(panic_of([&] { static_cast<void>(sem.try_acquire(-1)); }) == "semaphore: negative weight");
  CHECK(panic_of([&] { sem.release(-1); }) == "semaphore: negative weight");
  CHECK(panic_of([&] { sem.acquire(nil, 1); }) == "runtime error: invalid memory address or nil pointer dereference");
  sem.release(1);
  CHECK(sem.try_acquire(2));
}

FIBER_TEST("SM1: weights of all sizes, cancelled and not, from fibers and a thread, never exceed the size") {
  constexpr int size = 7;
  semaphore::weighted sem(size);
  std::atomic<int> held = 0, wrong = 0;
  const auto work = [&](int from) {
    for (int i = 0; i < scale(300); ++i) {
      const int n = 1 + (from + i) % size;
      auto [ctx, cancel] = context::with_timeout(context::background(), i % 3 == 0 ? 20us : 1h);
      if (!sem.acquire(ctx, n)) {
        wrong += held.fetch_add(n) + n > size;
        runtime::gosched();
        held -= n;
        sem.release(n);
      } else {
        wrong += i % 3 != 0;
      }
      cancel();
    }
  };
  crew all;
  for (int f = 0; f < 8; ++f) {
    all.go([&, f] { work(f); });
  }
  std::thread thread([&] { work(3); });
  all.join();
  thread.join();
  CHECK(wrong == 0);
  CHECK(sem.try_acquire(size));
}

// ---- singleflight ---------------------------------------------------------------------------------------------------

FIBER_TEST("SF1: one execution per key is in flight, and shared is true for all where there were several") {
  singleflight::group<std::string, int> g;
  std::atomic<int> calls = 0, shared = 0, wrong = 0;
  const auto go_on = make_chan<void>();
  const auto call = [&](const std::string& key) {
    auto [v, err, was_shared] = g.do_(key, [&]() -> std::pair<int, error> {
      ++calls;
      go_on.recv();
      return {7, nil};
    });
    wrong += v != 7 || err;
    shared += was_shared;
  };
  crew all;
  for (int i = 0; i < 5; ++i) {
    all.go([&] { call("a"); });
  }
  CHECK(await_parked(wait_reason::wait_group_wait, 4));
  all.go([&] { call("b"); });
  CHECK(support::await_receivers(go_on, 2));
  close(go_on);
  all.join();
  CHECK(calls == 2);
  CHECK(shared == 5);
  CHECK(wrong == 0);
  int v = 0;
  error err;
  bool was_shared = true;
  std::tie(v, err, was_shared) = g.do_("a", [] { return 8; });  // a value alone will do
  CHECK(v == 8);
  CHECK(!err);
  CHECK(!was_shared);
}

FIBER_TEST("SF1: errors are shared too; forget lets a new call start; do_chan sends the result") {
  singleflight::group<int, std::string> g;
  const error why = errors::make("why");
  CHECK(std::get<1>(g.do_(1, [&]() -> std::pair<std::string, error> { return {"", why}; })) == why);
  const auto go_on = make_chan<void>();
  const auto slow = g.do_chan(1, [=] {
    go_on.recv();
    return std::string("old");
  });
  const auto same = g.do_chan(1, [] { return std::string("never"); });
  CHECK(select(recv(slow), otherwise) == 1);
  g.forget(1);
  auto [v, err, shared] = g.do_(1, [] { return std::string("new"); });
  CHECK(v == "new");
  CHECK(!shared);
  go_on.send();
  for (const auto& ch : {slow, same}) {
    const auto r = *ch;
    CHECK(r.val == "old");
    CHECK(!r.err);
    CHECK(r.shared);
  }
}

FIBER_TEST("SF2: a panic repeats in every caller, and goexit too") {
  singleflight::group<int, int> g;
  std::atomic<int> panics = 0, exits = 0, returns = 0;
  for (const bool exits_this_time : {false, true}) {
    const auto go_on = make_chan<void>();
    crew all;
    for (int i = 0; i < 4; ++i) {
      all.go([&, exits_this_time] {
        sync::wait_group inner;
        inner.go([&, exits_this_time] {
          bool left = true;
          defer d{[&] { exits += left; }};
          try {
            g.do_(1, [&, exits_this_time]() -> int {
              go_on.recv();
              if (exits_this_time) {
                runtime::goexit();
              }
              panic("boom");
            });
            ++returns;
          } catch (const panic_error& p) {
            panics += p.text() == "boom";
          }
          left = false;
        });
        inner.wait();
      });
    }
    CHECK(await_parked(wait_reason::wait_group_wait, 7));
    close(go_on);
    all.join();
  }
  CHECK(panics == 4);
  CHECK(exits == 4);
  CHECK(returns == 0);
  CHECK(std::get<0>(g.do_(1, [] { return 5; })) == 5);
}

CHILD_PROGRAM("singleflight panics with a listener") {
  return run([] {
    singleflight::group<int, int> g;
    const auto go_on = make_chan<void>();
    go([&] {
      try {
        g.do_(1, [&]() -> int {
          go_on.send();
          go_on.recv();
          panic("boom");
        });
      } catch (...) {
      }
    });
    go_on.recv();
    const auto ch = g.do_chan(1, [] { return 1; });
    go_on.send();
    ch.recv();
  });
}
PLAIN_TEST("SF2: a panic that a listener of do_chan waits for ends the process") {
  const auto child = support::run_child("singleflight panics with a listener");
  CHECK(child.exited_with(2));
  CHECK(support::contains(child.err, "panic: boom"));
}

FIBER_TEST("SF1: a group may be destroyed as soon as its last call has returned or sent") {
  for (int round = 0; round < scale(300); ++round) {
    auto g = std::make_unique<singleflight::group<int, int>>();
    const auto ch = g->do_chan(1, [] { return 1; });
    std::atomic<int> calls = 0;
    crew all;
    for (int i = 0; i < 3; ++i) {
      all.go([&, i] { g->do_(i, [&] { return ++calls; }); });
    }
    all.join();
    ch.recv();
    g.reset();
    CHECK(calls >= 2);
  }
}

namespace {

// A key whose hash, comparison or copying fails when it is told to.
std::atomic<bool> keys_fail = false;
struct failing_key {
  std::string s;
  failing_key(const char* of) : s(of) {}
  failing_key(const failing_key& o) : s(o.s) {
    if (keys_fail) {
      throw std::runtime_error("copied");
    }
  }
  failing_key& operator=(const failing_key&) = default;
  bool operator==(const failing_key& o) const {
    if (keys_fail) {
      throw std::runtime_error("compared");
    }
    return s == o.s;
  }
};
struct failing_hash {
  std::size_t operator()(const failing_key& k) const {
    if (keys_fail) {
      throw std::runtime_error("hashed");
    }
    return std::hash<std::string>()(k.s);
  }
};

}  // namespace

FIBER_TEST("a key whose hash or comparison throws when its call is over keeps nobody waiting, and is called again") {
  singleflight::group<failing_key, int, failing_hash> g;
  for (int round = 0; round < 3; ++round) {
    const auto start = make_chan<void>();
    std::atomic<int> got = 0;
    crew all;
    all.go([&] {
      const auto call = [&] {
        start.recv();
        keys_fail = true;
        return 1;
      };
      got += std::get<0>(g.do_("k", call));
    });
    CHECK(support::await_receivers(start, 1));
    const auto listens = g.do_chan("k", [] { return 100; });
    all.go([&] {
      const auto [v, err, shared] = g.do_("k", [] { return 100; });
      got += v;
    });
    CHECK(eventually([] { return support::parked(wait_reason::wait_group_wait) >= 1; }));
    start.send();
    CHECK((*listens).val == 1);
    all.join();
    keys_fail = false;
    CHECK(got == 2);
    CHECK(std::get<0>(g.do_("k", [] { return 5; })) == 5);
  }
}

FIBER_TEST("a key that throws when a call begins changes nothing") {
  singleflight::group<failing_key, int, failing_hash> g;
  const failing_key k = "k";
  int failed = 0;
  keys_fail = true;
  try {
    static_cast<void>(g.do_(k, [] { return 1; }));
  } catch (const std::runtime_error&) {
    ++failed;
  }
  try {
    static_cast<void>(g.do_chan(k, [] { return 1; }));
  } catch (const std::runtime_error&) {
    ++failed;
  }
  keys_fail = false;
  CHECK(failed == 2);
  CHECK(std::get<0>(g.do_(k, [] { return 2; })) == 2);
  CHECK((*g.do_chan(k, [] { return 3; })).val == 3);
}

FIBER_TEST("SM1: tokens that come after the context has ended are nobody's who waits by it") {
  int taken = 0;
  for (int i = 0; i < support::scale(2000); ++i) {
    semaphore::weighted one(1);
    CHECK(one.try_acquire(1));
    auto [ctx, cancel] = context::with_cancel(context::background());
    support::crew all;
    all.go([&, ctx = ctx] { taken += one.acquire(ctx, 1) ? 0 : 1; });
    all.go([&, cancel = cancel] {
      cancel();
      one.release(1);
    });
    all.join();
  }
  CHECK(taken == 0);
}
