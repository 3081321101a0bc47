// The fiber's record: what an inspector finds in it, and how an inspector holds a fiber (docs/architecture.md, "Looking
// in").
#include <atomic>
#include <chrono>
#include <set>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "fiber/inspect.hpp"
#include "inside.hpp"
#include "sched/park.hpp"

using namespace gossamer;
using support::await_parked;
using support::await_receivers;
using support::await_senders;
using support::eventually;

namespace {

// The one fiber that is parked for that reason.
fiber* the_parked(wait_reason reason) {
  fiber* found = nullptr;
  support::for_each_parked(reason, [&](fiber& f) { found = &f; });
  return found;
}

// Checks that f's record says that it waits at that line of this file.
bool waits_at(wait_reason reason, std::uint_least32_t line) {
  const fiber* f = the_parked(reason);
  return f != nullptr && f->where.line() == line && std::string_view(f->where.file_name()).ends_with("record_test.cpp");
}

constexpr std::uint_least32_t line_of(std::source_location at = std::source_location::current()) { return at.line(); }

}  // namespace

FIBER_TEST("the place of a blocking call is recorded, for operators too") {
  auto ch = make_chan<int>();
  const auto here = [&](auto start, wait_reason reason, std::uint_least32_t line) {
    go(start);
    CHECK(await_parked(reason, 1));
    CHECK(waits_at(reason, line));
    if (reason == wait_reason::chan_send) {
      ch.recv();
    } else {
      ch << 1;
    }
    CHECK(await_parked(reason, 0));
  };
  here([=] { ch << 1; }, wait_reason::chan_send, line_of());
  here([=] { ch.send(1); }, wait_reason::chan_send, line_of());
  here([=] { static_cast<void>(*ch); }, wait_reason::chan_receive, line_of());
  here([=] { ch.recv(); }, wait_reason::chan_receive, line_of());
  here([=, v = 0]() mutable { static_cast<void>(ch >> v); }, wait_reason::chan_receive, line_of());
  here([=] { recv_chan<int>(ch).recv(); }, wait_reason::chan_receive, line_of());
  std::uint_least32_t line = 0;
  support::crew loop;
  loop.go([&] {
    line = line_of() + 1;
    for (int v : ch) {
      CHECK(v == 2);
    }
  });
  CHECK(await_receivers(ch, 1));
  CHECK(await_parked(wait_reason::chan_receive, 1));
  CHECK(waits_at(wait_reason::chan_receive, line));
  ch << 2;
  CHECK(await_parked(wait_reason::chan_receive, 1));
  CHECK(waits_at(wait_reason::chan_receive, line));
  close(ch);
}

FIBER_TEST("the place of a wait, a lock and a sleep is recorded") {
  sync::wait_group wg;
  sync::mutex mu;
  support::crew waiters;
  wg.add(1);
  mu.lock();
  waiters.go([&] { wg.wait(); });
  const std::uint_least32_t wait_line = line_of() - 1;
  waiters.go([&] {
    mu.lock();
    mu.unlock();
  });
  const std::uint_least32_t lock_line = line_of() - 3;
  CHECK(await_parked(wait_reason::wait_group_wait, 1));
  CHECK(await_parked(wait_reason::mutex_lock, 1));
  CHECK(waits_at(wait_reason::wait_group_wait, wait_line));
  CHECK(waits_at(wait_reason::mutex_lock, lock_line));
  wg.done();
  mu.unlock();
  CHECK(await_parked(wait_reason::wait_group_wait, 0));
  CHECK(await_parked(wait_reason::mutex_lock, 0));
  const auto is_recorded = [](std::chrono::nanoseconds limit) {
    std::atomic<bool> over = false;
    support::crew sleeper;
    const std::uint_least32_t sleep_line = line_of() + 2;
    sleeper.go([&] {
      time::sleep(limit);
      over = true;
    });
    CHECK(support::eventually([&] { return over || support::parked(wait_reason::sleep) == 1; }));
    return waits_at(wait_reason::sleep, sleep_line);
  };
  CHECK(support::with_a_limit(30ms, is_recorded));
}

FIBER_TEST("the record says what the fiber waits on, since when, and who started it") {
  sync::wait_group wg;
  support::crew waiter;
  wg.add(1);
  const auto before = std::chrono::steady_clock::now();
  const std::uint64_t me = sched::current()->id;
  CHECK(me != 0);
  CHECK(sched::current()->has(detail::mark::main));
  waiter.go([&] { wg.wait(); });
  CHECK(await_parked(wait_reason::wait_group_wait, 1));
  const fiber* f = the_parked(wait_reason::wait_group_wait);
  CHECK(f != nullptr);
  if (f != nullptr) {
    CHECK(f->object == &wg);
    CHECK(f->parent == me);
    CHECK(f->id != me);
    CHECK(f->id != 0);
    CHECK(!f->has(detail::mark::main));
    CHECK(f->spawn_site != nullptr);
    CHECK(f->started());
    // The worker's cached time: at most 10 ms old, and not in the future.
    const auto since = std::chrono::steady_clock::time_point(std::chrono::nanoseconds(f->wait_start));
    CHECK(since > before - 100ms * support::slowdown);
    CHECK(since <= std::chrono::steady_clock::now());
  }
  wg.done();
}

FIBER_TEST("no two fibers have the same id, though records are used again") {
  auto ids = make_chan<std::uint64_t>(16);
  std::set<std::uint64_t> seen;
  const int count = support::scale(5000);
  for (int i = 0; i < count; ++i) {
    go([=] { ids << sched::current()->id.load(); });
    if (i % 8 == 7) {
      for (int n = 0; n < 8; ++n) {
        seen.insert(*ids);
      }
    }
  }
  for (int n = 0; n < count % 8; ++n) {
    seen.insert(*ids);
  }
  CHECK(seen.size() == static_cast<std::size_t>(count));
  CHECK(seen.count(0) == 0);
}

FIBER_TEST("an inspector holds a parked fiber: what wakes it meanwhile is the inspector's to ready") {
  for (int round = 0; round < support::scale(200); ++round) {
    auto ch = make_chan<int>();
    std::atomic<int> got = 0;
    go([&] { got = *ch; });
    CHECK(await_parked(wait_reason::chan_receive, 1));
    fiber* f = the_parked(wait_reason::chan_receive);
    bool woken = false;
    {
      inspector look;
      CHECK(look.hold(*f, f->id));
      ch << 7;
      for (int i = 0; i < 20; ++i) {
        runtime::gosched();
      }
      CHECK(got == 0);
      woken = look.release(*f);
    }
    if (woken) {
      sched::ready(f);
    }
    CHECK(eventually([&] { return got == 7; }));
  }
}

FIBER_TEST("an inspector cannot hold a fiber that is gone, or that runs") {
  inspector look;
  fiber* me = sched::current();
  CHECK(!look.hold(*me, me->id));
  CHECK(!look.release(*me));
  auto done = make_chan<fiber*>();
  std::atomic<std::uint64_t> id = 0;
  go([&] {
    id = sched::current()->id.load();
    done << sched::current();
  });
  fiber* gone = *done;
  CHECK(eventually([&] { return gone->id != id; }));
  CHECK(!look.hold(*gone, id));
  CHECK(!look.release(*gone));
}

FIBER_TEST("fibers that are looked at all the time lose no wake-up") {
  std::atomic<bool> stop = false;
  sync::wait_group looker;
  looker.add(1);
  std::atomic<long> held = 0;
  go([&] {
    while (!stop) {
      {
        std::vector<fiber*> woken;
        {
          inspector look;
          int some = 0;
          records.for_each([&](fiber& f) {
            const std::uint64_t id = f.id;
            if (id == 0 || ++some > 20) {
              return;
            }
            held += look.hold(f, id);
            if (look.release(f)) {
              woken.push_back(&f);
            }
          });
        }
        for (fiber* f : woken) {
          sched::ready(f);
        }
      }
      runtime::gosched();
    }
    looker.done();
  });
  auto there = make_chan<int>(), back = make_chan<int>(1);
  go([=] {
    for (int v : there) {
      back << v + 1;
    }
    close(back);
  });
  int wrong = 0;
  for (int i = 0; i < support::scale(5000); ++i) {
    there << i;
    wrong += *back != i + 1;
    if (i % 64 == 0) {
      time::sleep(10us);
    }
  }
  close(there);
  CHECK(!back.recv());
  CHECK(eventually([&] { return held > 0; }));
  stop = true;
  looker.wait();
  CHECK(wrong == 0);
}
