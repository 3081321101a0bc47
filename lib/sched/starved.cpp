// starved: unstarted fibers for which no stack could be had. They stay runnable: whenever a worker has nothing else to
// do, and from time to time where it has, it tries again, with the stacks that others have ended on. If nothing else
// can run at all the process ends: `out of stacks`.
#include <array>

#include "fiber/inspect.hpp"
#include "sched/report.hpp"
#include "sched/runtime.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0::sched {

namespace {

// How often an idle worker is called so that it gives up the stacks that it keeps.
constexpr detail::deadline call_step = 5'000'000;

// Nothing can run if nothing has run for so long, and no timer is armed. A plain thread might still wake somebody, but
// whoever waits for that cannot know.
constexpr detail::deadline standstill = 1'000'000'000;

}  // namespace

// f has been marked as running.
void worker::put_off(fiber& f) noexcept {
  f.state.store(fiber_state::unstarted, std::memory_order_relaxed);  // relaxed: the queue publishes the fiber
  the_runtime.starved.push(&f);
}

// One that has a stack now, marked as running.
fiber* worker::next_starved() noexcept {
  fiber* f = nullptr;
  if (the_runtime.starved.empty() || the_runtime.starved.pop(&f, 1) == 0) [[likely]] {
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
  if (now - called_at_ > call_step) {
    called_at_ = now;
    for (int i = the_runtime.idle.take_any(); i != idle_set::nobody; i = the_runtime.idle.take_any()) {
      the_runtime.at(i).wake(false);
    }
  }
  return nullptr;
}

void worker::look_for_standstill(const fiber& f, detail::deadline now) noexcept {
  std::uint64_t switches = 0;
  bool others_may_run = earliest_timer() != detail::no_deadline || !the_runtime.watcher.nobody_away() ||
                        (attention.load(std::memory_order_relaxed) & attention_stop) != 0;  // relaxed: a hint
  for (int i = 0; i < the_runtime.threads(); ++i) {
    const worker& w = the_runtime.at(i);
    switches += w.switches();
    // A hint. Whoever else does not switch is found stuck before long.
    others_may_run = others_may_run || (w.status().is_pinned() && !w.sleep().is_asleep());
  }
  if (others_may_run || switches != still_at_ || still_since_ == 0) {
    still_at_ = switches;
    still_since_ = now;
  } else if (now - still_since_ > standstill) {
    fatal_out_of_stacks(f);
  }
}

}  // namespace gossamer::inline v0::sched
