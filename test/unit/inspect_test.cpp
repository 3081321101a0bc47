// Inspectors: fibers are held while others run, nothing of them changes meanwhile, and none is lost.
#include "fiber/inspect.hpp"

#include <atomic>
#include <thread>
#include <vector>

#include "base/rng.hpp"
#include "inside.hpp"
#include "sched/park.hpp"

using namespace gossamer;
using support::eventually;

namespace {

// What a fiber's record says that only the fiber itself, its spawner and its worker write. Of `state` only that it
// does not change into something that has a stack in use: a waker may make it runnable.
struct snapshot {
  fiber* of;
  std::uint64_t id;
  std::uint64_t parent;
  machine::context context;
  machine::reserve stack;
  wait_reason reason;
  const void* object;
  const char* file;
  std::uint_least32_t line;
  wait::ticket* ticket;

  explicit snapshot(fiber& f)
      : of(&f),
        id(f.id.load()),
        parent(f.parent),
        context(f.context),
        stack(f.stack),
        reason(f.reason),
        object(f.object),
        file(f.where.file_name()),
        line(f.where.line()),
        ticket(f.ticket) {}
  bool operator==(const snapshot&) const = default;
};

struct counts {
  long held = 0;
  long woken = 0;
  long changed = 0;
};

void let_go(inspector& i, fiber& f, counts& c) {
  if (i.release(f)) {
    ++c.woken;
    sched::ready(&f);
  }
}

// Holds all fibers that can be held, looks twice, and lets them go.
void inspect_once(base::rng& r, counts& c) {
  inspector i;
  std::vector<snapshot> held;
  const bool one_by_one = r.below(2) == 0;
  const auto compare = [&](const snapshot& before) {
    for (std::uint32_t n = r.below(64); n != 0; --n) {
      detail::cpu_relax();
    }
    c.changed += snapshot(*before.of) == before ? 0 : 1;
    let_go(i, *before.of, c);
  };
  records.for_each([&](fiber& f) {
    const std::uint64_t id = f.id.load();
    if (id == 0 || f.has(detail::mark::abandoned)) {
      return;
    }
    if (!i.hold(f, id)) {
      let_go(i, f, c);
      return;
    }
    ++c.held;
    if (one_by_one) {
      compare(snapshot(f));
    } else {
      held.emplace_back(f);
    }
  });
  for (const snapshot& s : held) {
    compare(s);
  }
}

}  // namespace

FIBER_TEST("a fiber that is woken while it is held runs once it is let go") {
  auto ch = make_chan<int>();
  int left_to_us = 0;
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> got = 0;
    go([ch, &got] { got = *ch; });
    CHECK(support::await_receivers(ch, 1));
    CHECK(support::await_parked(wait_reason::chan_receive, 1));
    fiber* receiver = nullptr;
    support::for_each_parked(wait_reason::chan_receive, [&](fiber& f) { receiver = &f; });
    {
      inspector i;
      CHECK(i.hold(*receiver, receiver->id.load()));
      const snapshot before(*receiver);
      ch << 5;
      for (int n = 0; n < 100; ++n) {
        runtime::gosched();
      }
      CHECK(got == 0);
      CHECK(snapshot(*receiver) == before);
      // False where the worker that has taken it has not come to resume it: at one worker too, where the machine has
      // kept its thread from running, and a rescuer runs this fiber meanwhile.
      if (i.release(*receiver)) {
        ++left_to_us;
        sched::ready(receiver);
      }
    }
    CHECK(eventually([&] { return got == 5; }));
  }
  if (support::width() == 1) {
    CHECK(left_to_us > 0);
  }
}

FIBER_TEST("a fiber that has not started can be held") {
  std::atomic<int> started = 0;
  counts c;
  for (int n = 0; n < support::scale(2000); ++n) {
    const int before = started;
    go([&started] { ++started; });
    {
      inspector i;
      std::vector<fiber*> held;
      records.for_each([&](fiber& f) {
        const std::uint64_t id = f.id.load();
        if (id != 0 && !f.has(detail::mark::abandoned) && i.hold(f, id)) {
          held.push_back(&f);
        } else if (id != 0) {
          let_go(i, f, c);
        }
      });
      runtime::gosched();
      for (fiber* f : held) {
        let_go(i, *f, c);
      }
    }
    if (!eventually([&] { return started == before + 1; })) {
      break;
    }
  }
  CHECK(started == support::scale(2000));
}

FIBER_TEST("a fiber that runs, has ended, or is not the one that was meant cannot be held") {
  fiber* const self = sched::current();
  inspector i;
  counts c;
  CHECK_FALSE(i.hold(*self, self->id.load()));
  let_go(i, *self, c);
  auto ch = make_chan<int>();
  go([ch] { ch.recv(); });
  CHECK(support::await_parked(wait_reason::chan_receive, 1));
  fiber* receiver = nullptr;
  support::for_each_parked(wait_reason::chan_receive, [&](fiber& f) { receiver = &f; });
  const std::uint64_t id = receiver->id.load();
  CHECK_FALSE(i.hold(*receiver, id + 1));
  let_go(i, *receiver, c);
  close(ch);
  CHECK(eventually([&] { return receiver->id.load() != id; }));
  CHECK_FALSE(i.hold(*receiver, id));
  let_go(i, *receiver, c);
}

FIBER_TEST("an inspector that never rests loses no fiber and stops nothing") {
  const int rounds = support::scale(4000);
  constexpr int pairs = 4;
  std::atomic<bool> stop = false;
  counts c;
  std::atomic<int> inspections = 0;
  std::thread inspecting([&] {
    base::rng r(static_cast<std::uint64_t>(support::width()));
    while (!stop) {
      inspect_once(r, c);
      ++inspections;
    }
  });
  sync::wait_group all;
  sync::mutex guard;
  long entered = 0;
  std::atomic<int> ended = 0;
  std::atomic<int> wrong = 0;
  int batches = 0;
  // Until the inspector, which is a thread among others, has really been there.
  do {
    ++batches;
    for (int p = 0; p < pairs; ++p) {
      auto there = make_chan<int>(p % 2);
      auto back = make_chan<int>();
      all.add(4);
      go([&, there, back] {  // ping
        for (int n = 0; n < rounds; ++n) {
          there << n;
          wrong += *back == n + 1 ? 0 : 1;
        }
        all.done();
      });
      go([&, there, back] {  // pong
        for (int n = 0; n < rounds; ++n) {
          const int v = *there;
          back << v + 1;
        }
        all.done();
      });
      go([&] {  // a mutex, deadlines, sleeps
        for (int n = 0; n < rounds / 4; ++n) {
          if (n % 2 == 0) {
            guard.lock();
          } else {
            while (!guard.try_lock_for(20us)) {
            }
          }
          ++entered;
          if (n % 8 == 0) {
            runtime::gosched();
          }
          guard.unlock();
          if (n % 32 == 0) {
            time::sleep(10us);
          }
        }
        all.done();
      });
      go([&] {  // fibers that come and go
        for (int n = 0; n < rounds / 4; ++n) {
          sync::wait_group two;
          two.add(2);
          for (int k = 0; k < 2; ++k) {
            go([&] {
              ++ended;
              two.done();
            });
          }
          two.wait();
        }
        all.done();
      });
    }
    all.wait();
  } while (inspections < 20);
  stop = true;
  while (inspecting.joinable()) {
    inspecting.join();
  }
  CHECK(wrong == 0);
  CHECK(entered == long{batches} * pairs * (rounds / 4));
  CHECK(ended == batches * pairs * (rounds / 4) * 2);
  CHECK(c.changed == 0);
  CHECK(c.held > 0);
}
