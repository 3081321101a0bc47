// bubble: see bubble.hpp.
#include "sched/bubble.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <mutex>
#include <string>

#include "base/knob.hpp"
#include "gossamer/panic.hpp"
#include "sched/make_ready.hpp"
#include "sched/park.hpp"
#include "sched/scheduler.hpp"
#include "sched/this_thread.hpp"
#include "sched/wait_on.hpp"
#include "sched/worker.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0 {

namespace detail {

constinit std::atomic<int> bubbles{0};

deadline bubble_now() noexcept {
  const sched::bubble* const b = sched::this_bubble();
  return b != nullptr ? b->now() : now();
}

std::uint32_t bubble_number() noexcept {
  const sched::bubble* const b = sched::this_bubble();
  return b != nullptr ? b->number() : 0;
}

deadline on_machine_clock(deadline when) noexcept {
  const sched::bubble* const b = sched::this_bubble();
  return b == nullptr || !sched::bubble::has(when)
             ? when
             : std::min(after(now(), std::chrono::nanoseconds(when - b->now())), sched::bubble::least - 1);
}

}  // namespace detail

namespace sched {

namespace {

constinit std::atomic<std::uint32_t> numbers{0};

// The heaps of bubbles. One that has been made stays, for a timer may know its index longer than its bubble lives; the
// next bubble has it then. Guarded by heaps_guard, but a heap that somebody knows the index of is there.
constexpr std::size_t most_heaps = 4096;
constinit detail::spin_lock heaps_guard;
constinit std::atomic<event::timer_heap*> heaps[most_heaps] = {};
bool in_use[most_heaps] = {};

event::timer_heap& take_heap() {
  const std::scoped_lock hold(heaps_guard);
  for (std::size_t i = 0; i < most_heaps; ++i) {
    if (in_use[i]) {
      continue;
    }
    event::timer_heap* h = heaps[i].load(std::memory_order_relaxed);  // relaxed: under the lock
    if (h == nullptr) {
      h = new event::timer_heap;
      h->be_exact();
      h->set_index(static_cast<std::uint16_t>(base::max_workers + i));
      heaps[i].store(h, std::memory_order_release);  // pairs with heap_at()
    }
    in_use[i] = true;
    return *h;
  }
  panic("synctest: more than " + std::to_string(most_heaps) + " bubbles at once");
}

void give_heap(event::timer_heap& h) noexcept {
  h.clear();
  const std::scoped_lock hold(heaps_guard);
  in_use[h.index() - base::max_workers] = false;
}

}  // namespace

bubble* this_bubble() noexcept {
  const fiber* const f = this_fiber();
  return f != nullptr && f->has(detail::mark::bubbled) ? f->locals->place.of : nullptr;
}

event::timer_heap& bubble::heap_at(std::uint16_t index) noexcept {
  return *heaps[index - base::max_workers].load(std::memory_order_acquire);  // acquire: pairs with take_heap()
}

bubble::bubble()
    : number_(numbers.fetch_add(1, std::memory_order_relaxed) + 1),  // relaxed: only a number
      timers_(take_heap()) {
  // relaxed, here and below: before any fiber is in it, and when none is any more.
  detail::bubbles.fetch_add(1, std::memory_order_relaxed);
}

bubble::~bubble() {
  assert(members_ == nullptr && waiter_.empty() && root_.empty());
  detail::bubbles.fetch_sub(1, std::memory_order_relaxed);
  give_heap(timers_);
}

void bubble::reserve_deadline() {
  // relaxed: a fiber that begins now reserves for itself.
  timers_.reserve_for(most_members_.load(std::memory_order_relaxed) + 1);
}

// Under guard_: who goes on where nobody is active; null: somebody is, or nobody waits for that. Its ticket is claimed.
fiber* bubble::next_if_idle() noexcept {
  assert(guard_.is_locked() && active_ >= 0);
  if (active_ > 0) {
    return nullptr;
  }
  assert(timers_.look_at() > now());
  if (const detail::waiter* const w = wait::claim_first(waiter_)) {
    fiber* const waiting = w->its->owner;
    ++active_;  // at once: nobody else is to find the bubble idle before it runs
    waiting->locals->place.set_durable(false);
    return waiting;
  }
  const detail::waiter* const w = wait::claim_first(root_);
  return w != nullptr ? w->its->owner : nullptr;
}

// Releases guard_, and wakes who goes on. The bubble may be gone when the root has been woken.
void bubble::hand_over() noexcept {
  fiber* const next = next_if_idle();
  guard_.unlock();
  if (next != nullptr) {
    ready(next);
  }
}

void bubble::begins(fiber& f) noexcept {
  detail::bubble_place& its = f.locals->place;
  assert(its.of == this && !its.is_root);
  const std::scoped_lock hold(guard_);
  ++active_;
  its.next = members_;
  if (members_ != nullptr) {
    members_->locals->place.link = &its.next;
  }
  its.link = &members_;
  members_ = &f;
  const std::size_t n = ++size_;
  if (n > most_members_.load(std::memory_order_relaxed)) {
    most_members_.store(n, std::memory_order_relaxed);  // under guard_
  }
}

void bubble::resumes() noexcept {
  const std::scoped_lock hold(guard_);
  ++active_;
}

void bubble::pauses() noexcept {
  guard_.lock();
  --active_;
  hand_over();
}

// The fiber is not in it any more: what it still does at its end has the machine's time.
void bubble::ends(fiber& f) noexcept {
  guard_.lock();
  const detail::bubble_place its = f.locals->place;
  assert(its.of == this && !its.is_root);
  f.clear(detail::mark::bubbled);
  f.locals->place = {};
  *its.link = its.next;
  if (its.next != nullptr) {
    its.next->locals->place.link = its.link;
  }
  main_has_ended_ = main_has_ended_ || its.is_main;
  --size_;
  --active_;
  hand_over();
}

void bubble::wait(std::source_location where) {
  current_to_park(wait_reason::synctest_wait, [] {});  // or it would be waited for ever after
  guard_.lock();
  if (waited_for_) {
    guard_.unlock();
    panic("wait already in progress");
  }
  waited_for_ = true;
  wait_on(waiter_, guard_, {.reason = wait_reason::synctest_wait, .object = nullptr, .where = where, .durable = true});
  guard_.lock();
  waited_for_ = false;
  guard_.unlock();
}

void bubble::be_root() {
  fiber& self = *this_fiber();
  detail::put_in_bubble(self.locals, {.of = this, .is_root = true});
  self.set(detail::mark::locals | detail::mark::bubbled);
  const std::scoped_lock hold(guard_);
  ++active_;
}

void bubble::be_root_no_more() noexcept {
  fiber& self = *this_fiber();
  if (self.has(detail::mark::bubbled)) {  // there was memory for its place
    self.clear(detail::mark::bubbled);
    self.locals->place = {};
  }
}

void bubble::rest(std::source_location where) {
  guard_.lock();
  --active_;
  for (;;) {
    if (active_ > 0) {
      wait_on(root_, guard_, {.reason = wait_reason::synctest_run, .object = nullptr, .where = where});
      guard_.lock();
      continue;
    }
    fiber* const waiter = next_if_idle();
    if (waiter == nullptr) {
      ++active_;
      guard_.unlock();
      return;
    }
    guard_.unlock();
    ready(waiter);  // and so it is active
    guard_.lock();
  }
}

// All that are due by then fire, or are dropped.
void bubble::take_timers(detail::deadline until, bool fire) noexcept {
  assert(this_bubble() == this);
  std::array<event::timer_heap::entry, event::timer_heap::batch> due;
  while (timers_.look_at() <= until) {
    const std::size_t n = timers_.expire(until, due.data(), due.size());  // none, where all of them were stale
    for (std::size_t i = 0; i < n; ++i) {
      const event::timer_heap::entry& e = due[i];
      const detail::deadline when = fire ? e.when : detail::no_deadline;
      if (fiber* const woken = e.is_timer ? e.timer().fire(e.timer(), e.turn, when) : &e.sleeper()) {
        ready_last(woken);
      }
    }
  }
}

bool bubble::advance() noexcept {
  const detail::deadline next = timers_.look_at();
  if (next == detail::no_deadline) {
    return false;
  }
  now_.store(std::max(next, now()), std::memory_order_relaxed);
  take_timers(now(), true);
  return true;
}

void bubble::drop_timers() noexcept { take_timers(detail::no_deadline - 1, false); }

bool bubble::is_empty() noexcept {
  const std::scoped_lock hold(guard_);
  return members_ == nullptr;
}

detail::bubble_place& bubble::this_place() noexcept { return this_fiber()->locals->place; }

bool bubble::main_has_ended() noexcept {
  const std::scoped_lock hold(guard_);
  return main_has_ended_;
}

std::vector<std::uint64_t> bubble::ids() {
  std::vector<std::uint64_t> all;
  all.reserve(most_members_.load(std::memory_order_relaxed));
  const std::scoped_lock hold(guard_);
  for (const fiber* f = members_; f != nullptr && all.size() < all.capacity(); f = f->locals->place.next) {
    all.push_back(f->id.load(std::memory_order_relaxed));  // relaxed: the lock has published it
  }
  return all;
}

}  // namespace sched

}  // namespace gossamer::inline v0
