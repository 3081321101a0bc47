// watch: how a worker goes idle, and what the lookout does. See idle_set.hpp for the steps I1 to I4.
#include <algorithm>
#include <cassert>
#include <chrono>

#include "base/stress.hpp"
#include "event/poller.hpp"
#include "fiber/inspect.hpp"
#include "sched/report.hpp"
#include "sched/scheduler.hpp"
#include "sched/this_thread.hpp"
#include "sched/upkeep.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0::sched {

namespace {

// How long after the earliest timer the one that stands by looks whether somebody keeps watch.
constexpr std::chrono::nanoseconds stand_by_delay{500'000};

// The same while the one that has the watch is given one thing after the other: it leaves the watch for each of them,
// and is mostly back at once. To wake another for that would cost more than what there is to do.
constexpr std::chrono::nanoseconds stand_by_step{700'000};

// How often a watch that has nothing else to wait for asks whether the last foreign thread has gone.
constexpr detail::deadline deadlock_step = 500'000'000;

// For so long all must have been idle before the lookout stops stepping.
constexpr detail::deadline patience = 4'000'000;

}  // namespace

// What the lookout saw of the others.
struct worker::sighting {
  worker* victim = nullptr;  // has something that has waited for a whole step
  bool global = false;       // so has the global queue
  bool waiting = false;      // something waits, but may not have waited so long
};

void worker::wake(bool to_search) noexcept {
  if (sleeper_.wake(to_search)) {
    event::the_poller.interrupt();
    the_scheduler.watcher.somebody_works();  // it may be in a handler, and then only the monitor notices
  }
}

// I2: what only this worker may notice, now that it is in the set.
bool worker::something_for_me() noexcept {
  base::stress_point();
  if (!the_scheduler.global.empty() || (attention.load() & attention_stop) != 0 || index_ >= the_scheduler.width()) {
    return true;
  }
  const detail::deadline timers = earliest_event();
  return timers != detail::no_deadline && timers <= detail::now();
}

// When this worker should expire a timer of v's: its own at once, those of a worker that runs only if that one has let
// them pass.
detail::deadline worker::due_at(const worker& v) const noexcept {
  const detail::deadline at = v.timers_.look_at();
  const bool own = &v == this || v.sleeper_.seems_asleep();
  return own || at > detail::no_deadline - lookout_steps::shortest ? at : at + lookout_steps::shortest;
}

detail::deadline worker::earliest_timer() const noexcept {
  detail::deadline earliest = detail::no_deadline;
  const int n = the_scheduler.threads();
  for (int i = 0; i < n; ++i) {
    earliest = std::min(earliest, due_at(the_scheduler.at(i)));
  }
  return earliest;
}

detail::deadline worker::earliest_event() const noexcept { return std::min(earliest_timer(), upkeep_due()); }

void worker::idle() noexcept {
  assert(!has_ready() && handoff_ == nullptr);
  ++counts_.idles;
  probe_.forget();
  sleeper_.begin();
  // Before the worker can be taken out: a waker that chooses it counts it as searching again.
  stop_searching();
  const bool watch = the_scheduler.idle.enter(index_);  // I1
  sleeper_.mark_asleep();
  const bool found = something_for_me();            // I2
  if (found && the_scheduler.idle.leave(index_)) {  // I3
    sleeper_.mark_awake();
    was_idle_ = true;
    return;
  }
  const detail::deadline since = detail::now();
  const bool spins = !found && spins_.should_spin(switches() - switches_when_idle_, last_to_run_);
  const bool spun = spins && spin(watch);
  if (!spun && watch && !found) {
    keep_watch();
  } else if (!spun) {
    sleep_off_watch();
  }
  sleeper_.mark_awake();
  now_ = detail::now();
  pacer_.restart(now_);
  spins_.waited(now_ - since, spins, spun);
  switches_when_idle_ = switches();
  was_idle_ = true;
}

// Sleeps until woken (true; the worker has been taken out of the set) or until the time has come (false).
bool worker::sleep_until_woken(detail::deadline until) noexcept {
  if (!sleeper_.sleep_until(until)) {
    return false;
  }
  searching_ = searching_ || sleeper_.was_woken_to_search();
  return true;
}

// I4 without the watch: until woken, or until the watch is left without anybody for a while.
void worker::sleep_off_watch() noexcept {
  for (;;) {
    const detail::deadline now = detail::now();
    const detail::deadline timers = earliest_event();
    const detail::deadline after_timers =
        timers == detail::no_deadline ? timers : detail::after(std::max(timers, now), stand_by_delay);
    const bool soon = the_scheduler.watch.more_expected(now);
    const detail::deadline until = soon ? std::min(after_timers, detail::after(now, stand_by_step)) : after_timers;
    const idle_set::post mine = the_scheduler.idle.take_post(index_, until);
    if (mine == idle_set::post::watch) {
      keep_watch();
      return;
    }
    if (sleep_until_woken(mine == idle_set::post::second ? until : detail::no_deadline)) {
      return;
    }
    if (until == after_timers) {
      // Who has the watch should have looked: the monitor sees what holds it up.
      the_scheduler.watcher.somebody_works();
    }
  }
}

// Whether the watch may stop stepping: all have been idle for a while. Those that somebody stands in for do not count
// as running, but may have pushed something just before, and silently, since the watch was stepping: while there is one
// a last step is made first.
worker::depth worker::go_deep(detail::deadline all_idle_since, depth before) noexcept {
  const int active = the_scheduler.procs();
  const detail::deadline now = detail::now();
  const bool all_idle = all_idle_since != 0 && the_scheduler.starved.empty();
  const bool quiet = now - all_idle_since > patience && !the_scheduler.watch.more_expected(now);
  if (!all_idle || !(active == 1 || quiet) || !the_scheduler.idle.stop_stepping(active)) {
    return depth::stepping;
  }
  return before != depth::stepping || the_scheduler.watcher.nobody_away() ? depth::deep : depth::last_step;
}

void worker::keep_watch() noexcept {
  lookout_steps steps;
  detail::deadline all_idle_since = 0;
  depth now_at = depth::stepping;
  look_at_others(false);
  for (;;) {
    detail::deadline now = detail::now();
    const bool all_idle = the_scheduler.idle.count() >= the_scheduler.procs();
    all_idle_since = !all_idle ? 0 : all_idle_since == 0 ? now : all_idle_since;
    now_at = go_deep(all_idle_since, now_at);
    // I2 again: from now on nobody else looks.
    if (now_at != depth::stepping && something_for_me() && the_scheduler.idle.leave(index_)) {
      return;
    }
    if (all_idle) {
      machine::trim_stacks();
    }
    const detail::deadline earliest = earliest_timer();
    detail::deadline until = std::min(earliest, upkeep_due());
    if (now_at != depth::deep) {
      until = std::min(until, now + steps.length());
    } else if (earliest == detail::no_deadline && the_scheduler.may_deadlock() && nothing_can_come()) {
      if (the_scheduler.deadlocked(*this)) {
        fatal_deadlock();
      }
      until = std::min(until, now + deadlock_step);
    }
    if (rest(until)) {  // I4
      return;
    }
    const sighting seen = look_at_others(true);
    now = detail::now();
    const detail::deadline timers = earliest_event();
    if (seen.victim != nullptr || seen.global || !the_scheduler.starved.empty() || timers <= now ||
        (attention.load() & attention_stop) != 0 || index_ >= the_scheduler.width()) {
      get_up();
      if (seen.victim != nullptr) {
        steal_from(*seen.victim, true);
      }
      return;
    }
    if (now_at == depth::deep) {
      the_scheduler.idle.go_on_stepping(index_);
      now_at = depth::stepping;
    }
    steps.next(seen.waiting);
  }
}

// Compares what the others have with what they had at the last step.
worker::sighting worker::look_at_others(bool whole_step) noexcept {
  sighting seen;
  seen.global = the_scheduler.watch.has_waited(the_scheduler.global) && whole_step;
  seen.waiting = !the_scheduler.global.empty();
  const int n = the_scheduler.threads();
  for (int i = 0; i < n; ++i) {
    worker& v = the_scheduler.at(i);
    if (&v == this || v.sleeper_.seems_asleep()) {
      continue;
    }
    const ready_queues::view now = v.queues_.look();
    if (whole_step) {
      if (v.queues_.has_waited(v.view_, now)) {
        seen.victim = &v;
      }
      if (now.switches == v.view_.switches) {
        v.long_runs_.store(true, std::memory_order_relaxed);  // relaxed: a hint
      }
    }
    seen.waiting = seen.waiting || now.has_spawned || now.run_next != nullptr || v.queues_.ready() > 0;
    v.view_ = now;
  }
  return seen;
}

}  // namespace gossamer::inline v0::sched
