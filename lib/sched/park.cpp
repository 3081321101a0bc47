// park: see park.hpp.
#include "sched/park.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/fatal.hpp"
#include "base/forked.hpp"
#include "base/knob.hpp"
#include "base/stress.hpp"
#include "gossamer/detail/chan_core.hpp"
#include "gossamer/detail/cpu_relax.hpp"
#include "machine/stack.hpp"
#include "sched/bubble.hpp"
#include "sched/make_ready.hpp"
#include "sched/overflow.hpp"
#include "sched/scheduler.hpp"
#include "sched/this_thread.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0::sched {

namespace {

using namespace thread_wait;

// The heap that a timer or a fiber's deadline was put into: a worker's or a bubble's.
event::timer_heap& heap_at(std::uint16_t index) noexcept {
  return index < base::max_workers ? the_scheduler.at(index).timers() : bubble::heap_at(index);
}

// Whether nobody outside the caller's bubble can end it. Of a channel's plain send or receive the channel says so: it
// is one of the bubble's, or everybody's.
bool is_durable(const parking& p) noexcept {
  const bool is_plain = p.ticket.uncontested && p.object != nullptr &&
                        (p.reason == wait_reason::chan_send || p.reason == wait_reason::chan_receive);
  return p.durable || (is_plain && static_cast<const detail::chan_core*>(p.object)->bubble != 0);
}

// How long a plain thread waits with open eyes: to sleep and to be woken takes about as long, and its answer often
// comes sooner. Not on a busy machine, where it may hold the very CPU that the answer needs: after a wait in vain it
// tries the next time but one, then four, and so on.
constexpr detail::deadline spin_time = 10'000;
constexpr unsigned most_misses = 8;

[[gnu::noinline]] bool comes_soon(const fiber& self, detail::deadline until) noexcept {
  static thread_local constinit unsigned misses = 0;
  static thread_local constinit unsigned to_skip = 0;
  if (to_skip > 0) {
    --to_skip;
    return false;
  }
  until = std::min(until, detail::now() + spin_time);
  do {
    for (int i = 0; i < 16; ++i) {
      // relaxed: the caller looks again.
      if (self.thread_word.load(std::memory_order_relaxed) == goes_on) {
        misses = 0;
        return true;
      }
      detail::cpu_relax();
    }
  } while (detail::now() < until);
  misses = std::min(misses + 1, most_misses);
  to_skip = (1U << misses) - 1;
  return false;
}

// A plain thread's park: its post-switch step is the release, since it needs no switch to leave anything.
void block_thread(fiber& self, const parking& p) noexcept {
  base::not_in_forked_child();
  wait::ticket& ticket = p.ticket;
  assert(this_worker() == nullptr);
  detail::deadline until = p.until;
  for (std::size_t i = 0; i < p.locks.size(); ++i) {
    p.locks[i].release();
  }
  if (std::uint32_t was = waits; !comes_soon(self, until)) {
    // relaxed: it says nothing but that the thread sleeps; where it fails the loop looks again.
    self.thread_word.compare_exchange_strong(was, sleeps, std::memory_order_relaxed);
  }
  // acquire: pairs with the release in make_ready(); the claimer's writes are seen.
  while (self.thread_word.load(std::memory_order_acquire) != goes_on) {
    if (until != detail::no_deadline && detail::now() >= until) {
      if (wait::claim(ticket, wait::outcome::timed_out)) {
        return;  // the caller takes the object's lock before it looks at anything
      }
      until = detail::no_deadline;  // somebody else has claimed it, and is about to wake us
    }
    base::futex_wait(self.thread_word, sleeps, until);
  }
  assert(ticket.result != wait::outcome::pending);
  detail::sanitizer_acquire(&self);
}

}  // namespace

namespace {

// It has waited since wait_start; its worker may be another one now.
[[gnu::noinline]] void count_wait(const fiber& self) noexcept {
  worker& w = *this_worker();
  w.counts().waits.add(detail::now() - self.wait_start);
}

// Not inlined: current() stays small.
[[noreturn, gnu::noinline]] void throw_must_not_park(const char* name) { throw must_not_park{name}; }

}  // namespace

fiber* current() {
  if (worker* w = this_worker(); w != nullptr) {
    if (w->current() == nullptr) [[unlikely]] {
      throw_must_not_park(w->handler_name != nullptr ? w->handler_name : "a worker's own stack");
    }
#ifndef NDEBUG
    if (w->scope_name != nullptr) {
      throw_must_not_park(w->scope_name);
    }
#endif
    return w->current();
  }
  fiber* f = thread_record();
  f->thread_word.store(waits, std::memory_order_relaxed);  // relaxed: nobody can wake it before it is in a queue
  return f;
}

bool can_spin() noexcept {
  const worker* const w = this_worker();
  return the_scheduler.idle.about() + 1 < the_scheduler.procs() && (w == nullptr || !w->has_ready());
}

std::uint32_t random_below(std::uint32_t n) noexcept {
  worker* const w = this_worker();
  return w != nullptr ? w->random_below(n) : thread_rng().below(n);
}

void prepare_deadline() {
  if (worker* w = this_worker()) {
    w->timers().reserve();
    if (bubble* b = this_bubble()) [[unlikely]] {
      b->reserve_deadline();
    }
  }
}

bool need_workers() noexcept { return this_worker() == nullptr && !the_scheduler.is_running(); }

void start_workers() { the_scheduler.ensure_running(); }

void park(const parking& p) noexcept {
  fiber& self = *p.ticket.owner;
  if (self.state.load(std::memory_order_relaxed) == fiber_state::thread) {
    block_thread(self, p);
    return;
  }
  if (!machine::runs_on(self.stack, self.size_class)) [[unlikely]] {
    report_jump_over_guard(self);
  }
  worker* const w = this_worker();
  assert(w != nullptr && w->current() == &self);
  self.ticket = &p.ticket;
  self.reason = p.reason;
  self.object = p.object;
  self.where = p.where;
  self.wait_start = w->cached_now();
  self.last_worker = static_cast<std::uint16_t>(w->index());
  if (self.has(detail::mark::bubbled)) [[unlikely]] {
    const bool its_time = p.until == detail::no_deadline || (bubble::has(p.until) && p.until > bubble_of(self).now());
    self.locals->place.set_durable(its_time && is_durable(p) && !self.locals->place.is_root);
    bubble_of(self).announce_pause();
  }
  for (const detail::held_lock& lock : p.locks) {
    assert(lock.word != nullptr);
    lock.announce();
  }
  bool timed = w->counts().count_park(p.reason);
  if (timed) [[unlikely]] {
    self.wait_start = detail::now();  // what the worker has read last may be from before a long run
  }
  // One path from here on: of two, fibers that wait at the same place would have different stacks.
  asm volatile("" : "+r"(timed));
  departure d{w, &self, departing::park, &p};
  w->leave(d);
  detail::sanitizer_acquire(&self);
  assert(p.ticket.result != wait::outcome::pending);
  if (timed) [[unlikely]] {
    count_wait(self);
  }
  if (p.until != detail::no_deadline && p.ticket.result != wait::outcome::timed_out) {
    heap_at(self.timer_heap).disarm(self);  // P6
  }
}

[[gnu::noinline]] bool make_unusual_ready(fiber& f) noexcept {
  if (f.has(detail::mark::abandoned)) {
    return false;
  }
  if (f.has(detail::mark::bubbled) && f.locals->place.is_durable()) {
    f.locals->place.set_durable(false);
    if (this_bubble() != &bubble_of(f)) {  // only a cond lets it come to that
      base::fatal("semaphore wake of synctest goroutine from outside bubble");
    }
    bubble_of(f).resumes();
  }
  if (!f.has(detail::mark::locked)) {
    return true;
  }
  worker& home = the_scheduler.at(f.home);
  f.state.store(fiber_state::runnable, std::memory_order_relaxed);  // relaxed: see wake_locked()
  home.wake_locked();
  return false;
}

void ready(fiber* f) noexcept {
  if (!make_ready(*f)) {
    return;
  }
  if (worker* w = this_worker()) {
    w->push_next(f);
    w->wake_if_needed();
  } else {
    the_scheduler.push_from_outside(f);
  }
}

namespace {

template <class Push>
void ready_by(fiber* f, Push push) noexcept {
  if (!make_ready(*f)) {
    return;
  }
  if (worker* w = this_worker()) {
    push(*w);
  } else {
    the_scheduler.push_from_outside(f);
  }
}

}  // namespace

void ready_last(fiber* f) noexcept {
  ready_by(f, [f](worker& w) { w.push_back(f); });
}

void ready_in_line(fiber* f) noexcept {
  ready_by(f, [f](worker& w) { w.push_in_line(f); });
}

void add_timer_in_bubble(wait::timer_node& t, detail::deadline now, detail::deadline when,
                         std::chrono::nanoseconds period, std::uint32_t turn) {
  this_bubble()->timers().add(t, now, when, period.count(), turn);
}

bool add_timer(wait::timer_node& t, detail::deadline now, detail::deadline when, std::chrono::nanoseconds period,
               std::uint32_t turn) {
  if (worker* w = this_worker()) {
    // This worker runs: it looks itself, or the lookout does. But not on account of a locked fiber.
    return w->timers().add(t, now, when, period.count(), turn) && w->is_locked();
  }
  the_scheduler.ensure_running();
  const auto i = static_cast<int>(random_below(static_cast<std::uint32_t>(the_scheduler.procs())));
  return the_scheduler.at(i).timers().add(t, now, when, period.count(), turn);
}

void look_at_timers() noexcept { the_scheduler.wake_from_outside(); }

void remove_timer(wait::timer_node& t) noexcept { heap_at(t.heap).take_out(t); }

wait::remains leave_timer(wait::timer_node& t) noexcept { return heap_at(t.heap).leave(t); }

bool on_worker() noexcept { return this_worker() != nullptr; }

namespace {

// False if there was nobody.
bool queue_all(worker* w, fiber_list& fibers) noexcept {
  // Only the first may jump the queue: the others run in the order in which they waited.
  bool first = true;
  while (fiber* f = fibers.take()) {
    if (!make_ready(*f)) {
      continue;
    }
    if (w == nullptr) {
      the_scheduler.push_from_outside(f);
    } else if (first) {
      w->push_next(f);
    } else {
      w->push_back(f);
    }
    first = false;
  }
  return !first;
}

}  // namespace

void ready_all(fiber_list fibers) noexcept {
  worker* const w = this_worker();
  if (queue_all(w, fibers) && w != nullptr) {
    w->wake_if_needed();
  }
}

void ready_batch(fiber_list fibers) noexcept {
  worker* const w = this_worker();
  if (queue_all(w, fibers) && w != nullptr) {
    w->wake_for_batch();
  }
}

}  // namespace gossamer::inline v0::sched
