// debug::read_metrics(): what the counts must agree on.
#include <gossamer/debug.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "fiber_test.hpp"
#include "sched/queue_probe.hpp"
#include "sched/worker_counts.hpp"

using namespace gossamer;
using namespace std::chrono_literals;

namespace {

std::uint64_t parks_of(const debug::counters& c, std::string_view reason) {
  for (const debug::park_count& p : c.parks) {
    if (p.reason == reason) {
      return p.count;
    }
  }
  return ~std::uint64_t{0};
}

// Fibers that end are counted a moment after whoever waits for them goes on.
bool adds_up() {
  return support::eventually([] {
    const debug::metrics m = debug::read_metrics();
    return m.total.spawned == m.total.ended + m.abandoned + m.fibers && m.fibers == 1;
  });
}

}  // namespace

FIBER_TEST("what was spawned has ended, was abandoned, or is alive") {
  CHECK(adds_up());
  const debug::metrics before = debug::read_metrics();
  {
    support::crew crew;
    for (int i = 0; i < 100; ++i) {
      crew.go([] { runtime::gosched(); });
    }
  }
  CHECK(adds_up());
  const debug::metrics after = debug::read_metrics();
  CHECK(after.total.spawned - before.total.spawned == 100);
  CHECK(after.total.ended - before.total.ended == 100);
  CHECK(after.total.switches - before.total.switches >= 100);
}

FIBER_TEST("fibers are counted by what they are at, with their stacks") {
  CHECK(adds_up());
  auto gate = make_chan<int>();
  {
    support::crew crew;
    for (int i = 0; i < 50; ++i) {
      crew.go([gate] { gate.recv(); });
    }
    CHECK(support::eventually([] { return debug::read_metrics().waiting == 50; }));
    const debug::metrics m = debug::read_metrics();
    CHECK(m.fibers == 51);
    CHECK(m.running == 1);
    CHECK(m.runnable == 0);
    CHECK(m.in_calls == 0);
    CHECK(m.stacks == 51);
    CHECK(m.stack_bytes >= 51 * 16384);
    CHECK(m.mapped_stack_bytes >= m.stack_bytes);
    gate.close();
  }
  CHECK(adds_up());
  CHECK(debug::read_metrics().waiting == 0);
}

FIBER_TEST("each park counts for its reason") {
  CHECK(adds_up());
  const debug::metrics before = debug::read_metrics();
  auto gate = make_chan<int>();
  {
    support::crew crew;
    for (int i = 0; i < 20; ++i) {
      crew.go([gate] { gate.recv(); });
      crew.go([] { time::sleep(1us); });
    }
    // Those that sleep may wait too.
    CHECK(support::eventually([] { return debug::fibers({.reason = "chan receive"}).size() == 20; }));
    gate.close();
  }
  const debug::metrics after = debug::read_metrics();
  CHECK(parks_of(after.total, "chan receive") - parks_of(before.total, "chan receive") == 20);
  CHECK(parks_of(after.total, "sleep") - parks_of(before.total, "sleep") == 20);
  CHECK(parks_of(after.total, "chan send") == parks_of(before.total, "chan send"));
  CHECK(after.total.timers_fired - before.total.timers_fired >= 20);
  // Every reason once.
  for (const debug::park_count& p : after.total.parks) {
    CHECK(!p.reason.empty());
    int same = 0;
    for (const debug::park_count& q : after.total.parks) {
      same += p.reason == q.reason ? 1 : 0;
    }
    CHECK(same == 1);
  }
}

FIBER_TEST("one wait of eight is timed") {
  const debug::metrics before = debug::read_metrics();
  for (int i = 0; i < 256; ++i) {
    time::sleep(100us);
  }
  const debug::metrics after = debug::read_metrics();
  const std::uint64_t timed = after.total.wait_time.count() - before.total.wait_time.count();
  // Each worker counts its own: up to one more for each.
  CHECK(timed + after.workers.size() >= 32);
  CHECK(timed <= 32 + after.workers.size());
  CHECK(after.total.wait_time.sum - before.total.wait_time.sum > 0ns);
  CHECK(after.total.queue_time.count() > before.total.queue_time.count());
}

FIBER_TEST("the workers' counts are the total's, but for what plain threads have spawned") {
  {
    support::crew crew;
    for (int i = 0; i < 200; ++i) {
      crew.go([] { runtime::gosched(); });
    }
  }
  const debug::metrics m = debug::read_metrics();
  CHECK(static_cast<int>(m.workers.size()) >= support::width());
  CHECK(m.procs == support::width());
  debug::counters sum;
  for (const debug::counters& w : m.workers) {
    sum.switches += w.switches;
    sum.spawned += w.spawned;
    sum.ended += w.ended;
    sum.steals += w.steals;
    sum.stolen += w.stolen;
    CHECK(w.steals <= w.stolen);
    CHECK(w.parks.size() == m.total.parks.size());
  }
  CHECK(sum.switches == m.total.switches);
  CHECK(sum.ended == m.total.ended);
  CHECK(sum.spawned < m.total.spawned);  // main, by a plain thread
  CHECK(sum.steals == m.total.steals);
  CHECK(sum.stolen == m.total.stolen);
}

FIBER_TEST("an announced blocking call is counted once, and seen while it lasts") {
  const debug::metrics before = debug::read_metrics();
  std::uint64_t in_calls = 0;
  runtime::blocking([&] { in_calls = debug::read_metrics().in_calls; });
  const debug::metrics after = debug::read_metrics();
  CHECK(in_calls == 1);
  CHECK(after.in_calls == 0);
  CHECK(after.total.blocking_calls - before.total.blocking_calls == 1);
}

FIBER_TEST("a busy queue is sampled") {
  const debug::metrics before = debug::read_metrics();
  {
    support::crew crew;
    for (int i = 0; i < 100; ++i) {
      crew.go([] {
        for (int k = 0; k < 100; ++k) {
          runtime::gosched();
        }
      });
    }
  }
  const debug::metrics after = debug::read_metrics();
  CHECK(after.total.queue_time.count() > before.total.queue_time.count());
}

PLAIN_TEST("times are counted where they belong") {
  using debug::histogram;
  for (std::size_t i = 0; i + 1 < histogram::buckets; ++i) {
    sched::time_counts counts;
    const auto bound = histogram::upper_bound(i).count();
    counts.add(bound);
    counts.add(bound + 1);
    CHECK(counts.at(i) == 1);
    CHECK(counts.at(i + 1) == 1);
    CHECK(counts.sum_ns() == static_cast<double>(2 * bound + 1));
  }
  sched::time_counts ends;
  ends.add(-5);
  ends.add(0);
  ends.add(std::numeric_limits<std::int64_t>::max());
  CHECK(ends.at(0) == 2);
  CHECK(ends.at(histogram::buckets - 1) == 1);
  CHECK(histogram::upper_bound(0) == 1024ns);
  CHECK(histogram::upper_bound(1) == 4096ns);
  CHECK(histogram::upper_bound(histogram::buckets - 1) == std::chrono::nanoseconds::max());
}

PLAIN_TEST("the end of a queue is timed when all before it have been taken") {
  sched::queue_probe probe;
  CHECK(probe.look(1'000, 0, 0) == 0);                          // empty: nobody waits
  CHECK(probe.look(2'000, 10, 0) == sched::queue_probe::none);  // ten wait from here on
  CHECK(probe.look(3'000, 20, 5) == sched::queue_probe::none);  // five of them do
  CHECK(probe.look(4'000, 30, 15) == 1'500);                    // half of what was taken since
  CHECK(probe.look(5'000, 30, 30) == 1'000);                    // the fifteen that were there at 4'000
  probe.forget();
  CHECK(probe.look(9'000, 31, 30) == sched::queue_probe::none);
  probe.forget();  // it was idle: that time does not count
  CHECK(probe.look(90'000, 31, 31) == 0);
}

PLAIN_TEST("the count of what went through a queue may wrap") {
  sched::queue_probe probe;
  CHECK(probe.look(1'000, 3, 0xffffffff) == sched::queue_probe::none);
  CHECK(probe.look(2'000, 3, 1) == sched::queue_probe::none);
  CHECK(probe.look(3'000, 3, 3) == 2'000);
}
