// switch: from one stack to the next. See worker.hpp.
#include <cassert>
#include <span>

#include "base/fatal.hpp"
#include "base/stress.hpp"
#include "fiber/inspect.hpp"
#include "machine/float_control.hpp"
#include "machine/guard.hpp"
#include "sched/bubble.hpp"
#include "sched/report.hpp"
#include "sched/scheduler.hpp"
#include "sched/this_thread.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0::sched {

namespace {

// Gives up the locks of a parked fiber, which may return, and free `locks` and their objects, as soon as the last one
// is given up (see parking): the next is read before the one before it goes. park() has announced them.
void give_up(std::span<const detail::held_lock> locks) noexcept {
  if (locks.empty()) {
    return;
  }
  detail::held_lock next = locks[0];
  const std::size_t n = locks.size();
  for (std::size_t i = 1; i < n; ++i) {
    const detail::held_lock now = next;
    next = locks[i];
    now.give_up();
  }
  base::stress_point();
  next.give_up();
}

}  // namespace

// P3 of a fiber in a bubble. A deadline of the bubble's clock that has come already is not for its root to see, for the
// bubble may not be idle before it does.
[[gnu::noinline]] void worker::park_in_bubble(const departure& d) noexcept {
  fiber& from = *d.from;
  bubble& its = bubble_of(from);
  const auto locks = d.wait->locks;
  const detail::deadline until = d.wait->until;
  // Read now: as soon as a deadline is armed, or the locks are released, the fiber may go on and end.
  const bool pauses = from.locals->place.is_durable();
  from.state.store(fiber_state::parked, std::memory_order_relaxed);  // relaxed: as in post_switch()
  base::stress_point();
  if (until != detail::no_deadline) {
    const bool has_come = bubble::has(until) && until <= its.now();
    (bubble::has(until) && !has_come ? its.timers() : timers_).arm(from, has_come ? detail::long_ago : until);
    base::stress_point();
  }
  give_up(locks);
  if (pauses) {
    its.pauses();
  }
}

// P3, the part that comes after the switch: runs on the target's stack.
void worker::post_switch(const departure& d) noexcept {
  fiber& from = *d.from;
  assert(d.on == this);
  assert(from.state.load(std::memory_order_relaxed) ==
         (d.how == departing::finish ? fiber_state::free : fiber_state::running));
  switch (d.how) {
    case departing::own_stack:
      break;
    case departing::stay:
      from.state.store(fiber_state::runnable, std::memory_order_relaxed);
      wake_locked();
      break;
    case departing::yield:
      from.state.store(fiber_state::runnable, std::memory_order_relaxed);
      push_back(&from);
      break;
    case departing::park: {
      if (from.has(detail::mark::bubbled)) [[unlikely]] {
        park_in_bubble(d);
        break;
      }
      const auto locks = d.wait->locks;
      const detail::deadline until = d.wait->until;
      // relaxed: whoever readies it takes one of these locks, or the heap's, first.
      from.state.store(fiber_state::parked, std::memory_order_relaxed);
      base::stress_point();
      if (until != detail::no_deadline) {
        timers_.arm(from, until);
        base::stress_point();  // its time may have come already
      }
      give_up(locks);
      break;
    }
    case departing::finish:
      reclaim(from);
      break;
  }
}

machine::transfer worker::arrive(machine::transfer t) noexcept {
  const departure& d = *static_cast<departure*>(t.data);
  worker& w = *d.on;
  fiber* const to = w.current_;
  const machine::sanitizer_state& target = to != nullptr ? to->sanitizer : w.own_sanitizer_;
  machine::on_arrival(target);
  if (d.from != nullptr) {
    d.from->context = t.fctx;
    d.from->exceptions = *w.exceptions_;
  } else {
    w.own_context_ = t.fctx;
  }
  if (to == nullptr) {
    w.last_to_run_ = d.from;
  }
  *w.exceptions_ = to != nullptr ? to->exceptions : machine::exception_words{};
  // Before the step: once it has given the fiber up, another worker may assume the identity that is left here.
  machine::assume_identity(target);
  detail::sanitizer_acquire(&w);  // of the thread's start, which made the thread-locals that the fiber now finds
  if (d.how != departing::own_stack) {
    w.post_switch(d);
  }
  return t;
}

// From a fiber's stack. The step that must wait for the switch runs in arrive().
void worker::leave(departure& d) noexcept { jump_to(pick_local(), d); }

void worker::jump_to(fiber* next, departure& d) noexcept {
  assert(d.on == this && d.from == current_);
  assert(next == nullptr || next->state.load(std::memory_order_relaxed) == fiber_state::running);
  if (next != nullptr && !next->started() && !bind_hot_stack(*next)) {
    handoff_ = next;
    next = nullptr;
  }
  detail::sanitizer_release(d.from);  // to stop()
  current_ = next;
  machine::before_switch(&d.from->sanitizer, next != nullptr ? next->sanitizer : own_sanitizer_,
                         d.how == departing::finish);
  machine::jump(next != nullptr ? next->context : own_context_, &d, arrive);
}

// From the worker's own stack; returns when a fiber has left to it.
void worker::resume(fiber* f) noexcept {
  assert(current_ == nullptr);
  assert(f->state.load(std::memory_order_relaxed) == fiber_state::running);
  if (!f->started() && !bind_stack(*f)) {
    put_off(*f);
    return;
  }
  current_ = f;
  departure d{this, nullptr, departing::own_stack};
  machine::before_switch(&own_sanitizer_, f->sanitizer, false);
  machine::jump(f->context, &d, arrive);
}

void worker::yield() noexcept {
  // relaxed: hints; what is pushed at this moment by somebody else may wait for the next yield.
  if (pacer_.ticks_left() > 1 && !has_ready() && attention.load(std::memory_order_relaxed) == 0) {
    static_cast<void>(pacer_.tick());
    return;
  }
  give_way();
}

void worker::give_way() noexcept {
  if (pacer_.ticks_left() == 0 && yield_unusually()) {
    return;
  }
  departure d{this, current_, departing::yield};
  leave(d);
}

void worker::set_up(fiber& f, machine::reserve r) noexcept {
  assert(r != nullptr && f.stack == nullptr);
  std::byte* const top = machine::stack_top(r, f.size_class);
  const std::size_t bytes = machine::stack_bytes(f.size_class);
  f.stack = r;
  f.context = machine::make_context(top, bytes, fiber_main);
  machine::set_float_control(f.context, f.thread_word.load(std::memory_order_relaxed));
  machine::begin_context(f.sanitizer, top - bytes, bytes);
}

bool worker::bind_hot_stack(fiber& f) noexcept {
  const machine::reserve r = stacks_.take_hot(f.size_class);
  if (r == nullptr) {
    return false;
  }
  set_up(f, r);
  return true;
}

// False if there is none to be had.
bool worker::bind_stack(fiber& f) noexcept {
  if (bind_hot_stack(f)) {
    return true;
  }
  const machine::reserve r = stacks_.fetch(f.size_class, f.size_class == the_scheduler.default_class);
  if (r == nullptr) {
    return false;
  }
  if (machine::canaries_in_use()) [[unlikely]] {
    the_scheduler.ends_watched.store(true, std::memory_order_relaxed);
  }
  set_up(f, r);
  return true;
}

// The fiber has left its stack for good.
void worker::reclaim(fiber& f) noexcept {
  assert(f.stack != nullptr && f.locals == nullptr);
  const machine::reserve r = f.stack;
  const unsigned size_class = f.size_class;
  machine::end_context(f.sanitizer, machine::stack_bottom(r, size_class), machine::stack_bytes(size_class));
  f.stack = nullptr;
  records_.give(&f);
  stacks_.give(r, size_class);
}

// A fiber has ended on its stack, and `next` can start there without a switch.
bool worker::take_over_stack(fiber& ended, fiber& next) noexcept {
  if (next.started() || next.size_class != ended.size_class) {
    return false;
  }
  assert(next.stack == nullptr && ended.locals == nullptr);
  next.stack = ended.stack;
  ended.stack = nullptr;
  machine::begin_context(next.sanitizer, machine::stack_bottom(next.stack, next.size_class),
                         machine::stack_bytes(next.size_class));
  machine::assume_identity(next.sanitizer);
#if GOSSAMER_TSAN
  __tsan_destroy_fiber(ended.sanitizer.fiber);
#endif
  records_.give(&ended);
  const machine::float_control control = next.thread_word.load(std::memory_order_relaxed);
  if (!machine::is_float_control(control)) [[unlikely]] {
    machine::set_float_control(control);
  }
  current_ = &next;
  return true;
}

void worker::fiber_main(machine::transfer) noexcept {
  machine::mark_outermost_frame();
  for (;;) {
    fiber* f = this_worker()->current_;
    detail::sanitizer_acquire(f);
    machine::enter_stack(machine::stack_bottom(f->stack, f->size_class));
    f->last_worker = static_cast<std::uint16_t>(this_worker()->index_);
    const bool returned = run_body(*f);
    if (f->has(detail::mark::main | detail::mark::locked | detail::mark::locals)) [[unlikely]] {
      end_unusual(*f, returned);
    }
    worker* w = this_worker();  // it may be another one now
    // relaxed: the thread that set it for this stack has handed the stack on.
    if (the_scheduler.ends_watched.load(std::memory_order_relaxed) &&
        machine::is_broken(f->stack, machine::guard_bytes(f->size_class))) [[unlikely]] {
      fatal_broken_canary(*f);
    }
    machine::leave_stack(machine::stack_bottom(f->stack, f->size_class));
    detail::sanitizer_release(f);
    // release: pairs with an inspector's acquire; what it then finds is not this fiber any more.
    f->id.store(0, std::memory_order_release);
    f->state.store(fiber_state::free, std::memory_order_relaxed);
    bump(w->ended_);
    // relaxed: main's own end, at least, sees it.
    if (the_scheduler.ends_watched.load(std::memory_order_relaxed)) [[unlikely]] {
      check_for_last_fiber();
    }
    fiber* next = w->pick_local();
    if (next != nullptr && w->take_over_stack(*f, *next)) {
      continue;
    }
    w->last_departure_ = {w, f, departing::finish};
    w->jump_to(next, w->last_departure_);
    base::fatal("gossamer: a fiber that has ended was resumed");
  }
}

}  // namespace gossamer::inline v0::sched
