// metrics: see gossamer/debug/metrics.hpp.
#include "gossamer/debug/metrics.hpp"

#include <algorithm>

#include "fiber/reason.hpp"
#include "fiber/record_pool.hpp"
#include "machine/stack.hpp"
#include "sched/scheduler.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0::debug {

namespace {

static_assert(histogram::buckets == sched::time_counts::buckets);
static_assert(histogram::upper_bound(0).count() == sched::time_counts::shortest);

// Several of the library's reasons may have one text.
void add_parks(std::vector<park_count>& to, std::size_t reason, std::uint64_t n) {
  const std::string_view name = text(static_cast<wait_reason>(reason));
  if (name.empty()) {
    return;  // the last wait of a fiber that is abandoned
  }
  const auto it = std::find_if(to.begin(), to.end(), [&](const park_count& p) { return p.reason == name; });
  if (it != to.end()) {
    it->count += n;
  } else {
    to.push_back({name, n});
  }
}

void add_times(histogram& to, const sched::time_counts& from) noexcept {
  for (std::size_t i = 0; i < histogram::buckets; ++i) {
    to.counts[i] += from.at(i);
  }
  to.sum += std::chrono::duration<double, std::nano>(from.sum_ns());
}

void add_worker(counters& to, const sched::worker& w) {
  const sched::worker_counts& c = w.counts();
  to.ended += w.ended();  // before `spawned`: see scheduler::num_fibers()
  to.spawned += w.spawned();
  to.switches += w.all_switches();
  to.steals += c.steals;
  to.stolen += c.stolen;
  to.idles += c.idles;
  to.polls += c.polls;
  to.poll_events += c.events;
  to.timers_fired += c.timers;
  to.blocking_calls += c.calls;
  for (std::size_t i = 0; i < wait_reasons; ++i) {
    add_parks(to.parks, i, c.parks[i]);
  }
  add_times(to.wait_time, c.waits);
  add_times(to.queue_time, c.queued);
}

void add_counters(counters& to, const counters& from) {
  to.spawned += from.spawned;
  to.ended += from.ended;
  to.switches += from.switches;
  to.steals += from.steals;
  to.stolen += from.stolen;
  to.idles += from.idles;
  to.polls += from.polls;
  to.poll_events += from.poll_events;
  to.timers_fired += from.timers_fired;
  to.blocking_calls += from.blocking_calls;
  for (std::size_t i = 0; i < from.parks.size(); ++i) {
    to.parks[i].count += from.parks[i].count;
  }
  for (std::size_t i = 0; i < histogram::buckets; ++i) {
    to.wait_time.counts[i] += from.wait_time.counts[i];
    to.queue_time.counts[i] += from.queue_time.counts[i];
  }
  to.wait_time.sum += from.wait_time.sum;
  to.queue_time.sum += from.queue_time.sum;
}

// relaxed, throughout: hints of what each fiber is at.
void count_fibers(metrics& to) {
  records.for_each([&](const fiber& f) {
    if (f.id.load(std::memory_order_relaxed) == 0 || f.has(detail::mark::abandoned)) {
      return;
    }
    const fiber_state state = f.state.load(std::memory_order_relaxed);
    switch (state) {
      case fiber_state::unstarted:
      case fiber_state::runnable:
        ++to.runnable;
        break;
      case fiber_state::running:
        ++to.running;
        break;
      case fiber_state::parked:
        ++to.waiting;
        break;
      case fiber_state::free:
      case fiber_state::thread:
        return;
    }
    if (state != fiber_state::unstarted) {
      ++to.stacks;
      to.stack_bytes += machine::class_bytes(f.size_class);
    }
  });
  to.in_calls = std::min(static_cast<std::uint64_t>(sched::the_scheduler.num_in_calls()), to.running);
  to.running -= to.in_calls;
}

}  // namespace

metrics read_metrics() {
  metrics m;
  const sched::scheduler& all = sched::the_scheduler;
  for (std::size_t i = 0; i < wait_reasons; ++i) {
    add_parks(m.total.parks, i, 0);
  }
  const int n = all.threads();
  m.workers.resize(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) {
    counters& mine = m.workers[static_cast<std::size_t>(i)];
    add_worker(mine, all.at(i));
    add_counters(m.total, mine);
    m.timers += all.at(i).timers().size();
  }
  m.total.spawned += all.spawned_outside.load(std::memory_order_relaxed);
  m.abandoned = static_cast<std::uint64_t>(all.abandoned_count.load(std::memory_order_relaxed));
  m.fibers = static_cast<std::uint64_t>(all.num_fibers());
  m.procs = all.procs();
  m.mapped_stack_bytes = machine::mapped_stack_bytes.load(std::memory_order_relaxed);
  count_fibers(m);
  return m;
}

}  // namespace gossamer::inline v0::debug
