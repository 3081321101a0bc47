// lock_thread: runtime::lock_os_thread(). A fiber and a thread that are for one another alone.
// Source: Go's LockOSThread. Differs: the thread is one more than max_procs() while it is locked, whether its fiber
// runs or not; and a fiber that ends while it is locked leaves its thread to the pool, since threads are reused.
//
// The worker's ticks are stopped as long as a fiber is locked to it, so whatever leaves leaves to the worker's own
// stack; and the published state of the idle set never lets a push be left to the lookout, so wake_if_needed() hands
// what the locked fiber pushes over to the others. The locked fiber itself is in no queue: it is runnable when its
// worker has been called.
#include <sched.h>

#include "fiber/inspect.hpp"
#include "fiber/locals.hpp"
#include "gossamer/panic.hpp"
#include "gossamer/runtime.hpp"
#include "sched/bubble.hpp"
#include "sched/report.hpp"
#include "sched/scheduler.hpp"
#include "sched/this_thread.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0 {

namespace sched {

void worker::lock_thread() {
  if (pin_.is_locked()) {
    if (!pin_.lock_again()) {
      panic("runtime: LockOSThread nesting overflow");
    }
    return;
  }
  if (!the_scheduler.watcher.pin(*this)) {
    panic("runtime: cannot start a thread to run the other fibers");
  }
  pin_.lock(*current_);
  pacer_.stop_ticks();
  current_->home = static_cast<std::uint16_t>(index_);
  current_->set(detail::mark::locked);
  hand_over();
  stacks_.flush();  // nobody else would get at them
}

void worker::unlock_thread() noexcept {
  if (!pin_.unlock()) {
    return;
  }
  release_thread();
  if (index_ >= the_scheduler.width() && scope_name == nullptr) {
    departure d{this, current_, departing::yield};
    leave(d);  // this worker retires, and what it has goes to the others
  }
}

void worker::unlock_at_end() noexcept {
  if (pin_.is_locked()) {
    release_thread();
  }
}

void worker::release_thread() noexcept {
  pin_.release()->clear(detail::mark::locked);
  the_scheduler.watcher.unpin(*this);
}

void worker::wake_locked() noexcept {
  the_scheduler.locked_wakes.fetch_add(1);  // seq_cst: before the call; see deadlocked()
  pin_.call();
}

// On the worker's own stack: true when the locked fiber is to run, and is marked as running; false if all are to stand
// still.
bool worker::wait_for_locked() noexcept {
  hand_over();
  sleeper_.mark_asleep();
  for (;;) {
    if (pin_.is_called()) {
      sleeper_.mark_awake();
      pin_.answer();
      // A late call may be meant for a fiber of an earlier run.
      if (pin_.locked()->state.load(std::memory_order_relaxed) == fiber_state::runnable) {
        break;
      }
      sleeper_.mark_asleep();
      continue;
    }
    pin_.take_nudge();
    if ((attention.load() & attention_stop) != 0) {
      sleeper_.mark_awake();
      return false;
    }
    const detail::deadline at = timers_.look_at();
    const detail::deadline now = detail::now();
    if (at <= now) {
      sleeper_.mark_awake();
      now_ = now;
      pacer_.restart(now);
      probe_.forget();
      expire_timers_of(*this);
      hand_over();
      sleeper_.mark_asleep();
      continue;
    }
    pin_.sleep(at);
  }
  now_ = detail::now();
  pacer_.restart(now_);
  probe_.forget();
  the_scheduler.watcher.somebody_works();
  queues_.count_switch();
  mark_running(*pin_.locked());
  return true;
}

// What this worker has goes to the others.
void worker::hand_over() noexcept {
  if (handoff_ != nullptr || has_ready()) {
    drain_to_global();
    the_scheduler.wake_from_outside();
  }
}

// wake_if_needed(), where it is not to be left to the lookout, or a fiber is locked to some thread, perhaps to this
// one.
void worker::wake_now(std::uint32_t idle_state) noexcept {
  if ((idle_state & idle_set::some_pinned) != 0) {
    if (pin_.is_locked()) {
      hand_over();
      return;
    }
    // relaxed: a hint.
    const bool left_to_lookout = (idle_state & idle_set::watched) != 0 && !long_runs_.load(std::memory_order_relaxed);
    if ((idle_state & idle_set::somebody_idle) == 0 || left_to_lookout) {
      return;
    }
  }
  the_scheduler.wake_one();
}

// A yield with no ticks left: true if it is done. The others run elsewhere.
bool worker::yield_unusually() noexcept {
  if (scope_name != nullptr) {
    return true;
  }
  if (!pin_.is_locked()) {
    return false;
  }
  if (attention.load(std::memory_order_relaxed) == 0) {  // relaxed: a hint, as in yield()
    ::sched_yield();
  } else {
    departure d{this, current_, departing::stay};
    leave(d);
  }
  return true;
}

void end_unusual(fiber& f, bool returned) noexcept {
  detail::sanitizer_acquire(&f);  // of an inspector, which may have read them
  if (f.has(detail::mark::bubbled)) {
    detail::destroy_values(*f.locals);
    bubble_of(f).ends(f);
  }
  detail::destroy_locals(f.locals);  // they may block, and lock the thread
  if (f.has(detail::mark::locked)) {
    this_worker()->unlock_at_end();
  }
  if (f.has(detail::mark::main)) {
    returned ? main_has_returned() : main_has_exited();
  }
}

}  // namespace sched

namespace runtime {

void lock_os_thread() {
  if (sched::worker* w = sched::this_worker(); w != nullptr && w->current() != nullptr) {
    w->lock_thread();
  }
}

void unlock_os_thread() noexcept {
  if (sched::worker* w = sched::this_worker(); w != nullptr && w->current() != nullptr) {
    w->unlock_thread();
  }
}

}  // namespace runtime

}  // namespace gossamer::inline v0
