// starved: unstarted fibers for which no stack could be had. They stay runnable: whenever a worker has nothing else to
// do, and from time to time where it has, it tries again, with the stacks that others have ended on. If nothing else
// can run at all the process ends: `out of stacks`.
#include "fiber/inspect.hpp"
#include "sched/report.hpp"
#include "sched/scheduler.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0::sched {

// f has been marked as running.
void worker::put_off(fiber& f) noexcept {
  f.state.store(fiber_state::unstarted, std::memory_order_relaxed);  // relaxed: the queue publishes the fiber
  the_scheduler.starved.push(&f);
}

// One that has a stack now, marked as running.
fiber* worker::next_starved() noexcept {
  fiber* f = nullptr;
  if (the_scheduler.starved.empty() || the_scheduler.starved.pop(&f, 1) == 0) [[likely]] {
    return nullptr;
  }
  mark_running(*f);
  if (bind_stack(*f)) {
    queues_.count_switch();
    return f;
  }
  const detail::deadline now = detail::now();
  look_for_standstill(*f, now);
  put_off(*f);
  stacks_.flush();  // of another size; and nobody must sleep on any
  if (shortage_.call_is_due(now)) {
    for (int i = the_scheduler.idle.take_any(); i != idle_set::nobody; i = the_scheduler.idle.take_any()) {
      the_scheduler.at(i).wake(false);
    }
  }
  return nullptr;
}

void worker::look_for_standstill(const fiber& f, detail::deadline now) noexcept {
  std::uint64_t switches = 0;
  bool others_may_run = earliest_timer() != detail::no_deadline || !the_scheduler.watcher.nobody_away() ||
                        (attention.load(std::memory_order_relaxed) & attention_stop) != 0;  // relaxed: a hint
  for (int i = 0; i < the_scheduler.threads(); ++i) {
    const worker& w = the_scheduler.at(i);
    switches += w.switches();
    // A hint. Whoever else does not switch is found stuck before long.
    others_may_run = others_may_run || (w.status().is_pinned() && !w.sleep().is_asleep());
  }
  if (shortage_.is_standstill(now, others_may_run, switches)) {
    fatal_out_of_stacks(f);
  }
}

}  // namespace gossamer::inline v0::sched
