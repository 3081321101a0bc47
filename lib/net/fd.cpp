// fd: see fd.hpp.
#include "net/fd.hpp"

#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <mutex>
#include <utility>

#include "gossamer/detail/resched.hpp"
#include "gossamer/runtime.hpp"
#include "sched/park.hpp"
#include "sched/wait_on.hpp"

namespace gossamer::inline v0::net {

namespace {

using kind = trouble::kind;

// Whether the caller is one who can wait: not a handler of the io_context.
bool may_wait() noexcept {
  try {
    sched::current();
    return true;
  } catch (const sched::must_not_park&) {
    return false;
  }
}

}  // namespace

// The asm keeps a link-time optimiser from seeing a function of nothing.
[[gnu::noinline]] int own_errno() noexcept {
  asm volatile("" : : : "memory");
  return errno;
}

// ---- fd -------------------------------------------------------------------------------------------------------------

trouble fd::open(int number, bool stream) noexcept {
  assert(descriptor_ == nullptr && number >= 0);
  int problem = 0;
  const bool first = !event::the_poller.in_use();
  descriptor_ = event::the_poller.add(number, problem);
  if (first) {
    sched::look_at_events();
  }
  if (descriptor_ == nullptr) {
    return trouble::of("epoll_ctl", problem);
  }
  number_ = number;
  stream_ = stream;
  return {};
}

fd::~fd() {
  if (descriptor_ != nullptr) {
    // Who was abandoned in them has not left.
    forget_abandoned(in_);
    forget_abandoned(out_);
    assert(wait::is_idle(closers_) && wait::is_idle(in_.line) && wait::is_idle(out_.line));
    if (!closed_) {
      closed_ = true;
      give_number_back();
    }
    event::the_poller.give_back(*descriptor_);
  }
}

trouble fd::close() { return shut(false); }

int fd::release() { return shut(true) ? -1 : number_; }

// Under the guard. The caller holds the way.
void fd::take(lane& l) noexcept {
  assert(!l.evicted);
  l.turn.take();
}

// Under the guard. A holder who was abandoned in the run() before holds nothing, and who waited in the line is not to
// be served: claiming them finds that out.
void fd::forget_abandoned(lane& l) noexcept {
  if (l.turn.is_abandoned()) [[unlikely]] {
    assert(l.evicted || users_ > 0);
    users_ -= l.evicted ? 0 : 1;
    l.turn.give_back();
    l.evicted = false;
  }
}

// Under the guard. The holder of the way, if he waits in that list, will find it closed, and do no more.
void fd::evict(lane& l, detail::wait_list& waiters, fiber_list& woken) noexcept {
  if (grant_first(waiters, woken) != nullptr) {
    assert(l.turn.is_taken() && !l.evicted && users_ > 0);
    l.evicted = true;
    --users_;
  }
}

trouble fd::shut(bool keep_number) {
  if (descriptor_ == nullptr) {
    return {kind::shut};
  }
  fiber_list woken;
  bool last = false;
  {
    const std::scoped_lock hold(guard());
    if (closed_) {
      return {kind::shut};
    }
    closed_ = true;
    keeps_number_ = keep_number;
    for (const way w : {way::in, way::out}) {
      lane& l = lane_of(w);
      forget_abandoned(l);
      evict(l, direction_of(w).waiters, woken);
      evict(l, l.pausing, woken);
      claim_all(l.line, woken);
    }
    last = users_ == 0;
    check_invariants();
  }
  sched::ready_all(woken);
  if (last) {
    give_number_back();
  } else if (may_wait()) {
    await_number();
  }
  return {};
}

void fd::await_number() {
  const auto where = std::source_location::current();
  guard().lock();
  while (!gone_) {
    sched::wait_on(closers_, guard(), {.reason = wait_reason::io_wait, .object = this, .where = where});
    guard().lock();
  }
  guard().unlock();
}

// By the last user of one that has been closed: nobody uses the number any more.
void fd::give_number_back() noexcept {
  fiber_list woken;
  // relaxed: who wrote them was a user, and has left
  event::the_poller.forget(*descriptor_, keeps_number_ || leaves_set_first_.load(std::memory_order_relaxed));
  if (!keeps_number_) {
    event::the_poller.begin_foreign_close(number_);
    if (closes_slowly_.load(std::memory_order_relaxed)) {
      runtime::blocking([this] { return ::close(number_); });
    } else {
      ::close(number_);
    }
    event::the_poller.end_foreign(number_, woken);
  }
  {
    const std::scoped_lock hold(guard());
    assert(closed_ && !gone_ && users_ == 0);
    gone_ = true;
    claim_all(closers_, woken);
  }
  sched::ready_all(woken);
}

trouble fd::set_deadline(bool in, bool out, detail::deadline when) noexcept {
  fiber_list woken;
  {
    const std::scoped_lock hold(guard());
    if (closed_) {
      return {kind::shut};
    }
    for (const way w : {way::in, way::out}) {
      if (w == way::in ? !in : !out) {
        continue;
      }
      lane& l = lane_of(w);
      l.until = when;
      if (when < l.waits_until) {
        claim_all(direction_of(w).waiters, woken);
        claim_all(l.pausing, woken);
      }
    }
  }
  sched::ready_all(woken);
  return {};
}

trouble fd::prospect_under_guard(way w, const wait::stop& s) const noexcept {
  assert(descriptor_->guard.is_locked());
  if (closed_) {
    return {kind::shut};
  }
  if (s.is_set()) {
    return {kind::ended};
  }
  const detail::deadline until = lane_of(w).until;
  return {until != detail::no_deadline && detail::now() >= until ? kind::timed_out : kind::none};
}

trouble fd::if_closed() noexcept {
  const std::scoped_lock hold(guard());
  return {closed_ ? kind::shut : kind::none};
}

trouble fd::prospect(way w, const wait::stop& s) noexcept {
  const std::scoped_lock hold(guard());
  return prospect_under_guard(w, s);
}

bool fd::use() noexcept {
  const std::scoped_lock hold(guard());
  users_ += closed_ ? 0 : 1;
  return !closed_;
}

// Under the guard: true for the last user of one that has been closed.
bool fd::one_less() noexcept {
  assert(guard().is_locked() && users_ > 0);
  return --users_ == 0 && closed_;
}

// Under the guard. Who waits for the kernel, or for a time, holds the way.
void fd::check_invariants() noexcept {
#if !defined(NDEBUG)
  assert(guard().is_locked());
  unsigned holders = 0;
  for (const way w : {way::in, way::out}) {
    const lane& l = lane_of(w);
    holders += l.turn.is_taken() && !l.evicted ? 1U : 0U;
    assert(l.turn.is_taken() || (wait::is_idle(direction_of(w).waiters) && wait::is_idle(l.pausing)));
    assert(!l.evicted || closed_);
    assert(l.unwaited < most_unwaited);
    wait::check_invariants(l.line);
  }
  assert(users_ >= holders);
  assert(!gone_ || (closed_ && users_ == 0));
  assert(closers_.empty() || (closed_ && !gone_));
#endif
}

void fd::leave() noexcept {
  guard().lock();
  const bool last = one_less();
  guard().unlock();
  if (last) {
    give_number_back();
  }
}

// ---- operation ------------------------------------------------------------------------------------------------------

trouble operation::begin() {
  fd::lane& l = fd_.lane_of(way_);
  fd_.guard().lock();
  if (fd_.closed_) {
    fd_.guard().unlock();
    return {kind::shut};
  }
  fd_.forget_abandoned(l);
  if (!l.turn.is_taken()) {
    fd_.take(l);
    ++fd_.users_;
  } else {
    const sched::wait_result how = sched::wait_on(
        l.line, fd_.guard(), {.reason = wait_reason::semacquire, .object = &fd_, .where = where_, .limit = stop_});
    if (how != sched::wait_result::granted) {
      return {how == sched::wait_result::stopped ? kind::ended : kind::shut};
    }
    fd_.guard().lock();
    fd_.take(l);
  }
  inside_ = true;
  return await_ready();
}

trouble operation::again() {
  fd_.guard().lock();
  return await_ready();
}

trouble operation::next() {
  assert(!tried_);  // it is over with done()
  return inside_ ? again() : begin();
}

// The guard is held, and is not when it returns.
trouble operation::await_ready() {
  event::descriptor::direction& direction = fd_.direction_of(way_);
  assert(!fd_.lane_of(way_).evicted);  // who has been evicted asks no more
  for (preparation p;;) {
    const trouble over = look();
    if (over || direction.ready) {
      if (!over) {
        event::descriptor::begin_try(direction);
      }
      fd_.guard().unlock();
      return over;
    }
    const detail::deadline until = fd_.lane_of(way_).until;
    if (p.may_wait(until, fd_.guard())) {
      event::the_poller.expect(*fd_.descriptor_, direction);
      if (const trouble t = wait_as_holder(direction.waiters, until)) {
        return t;
      }
      fd_.guard().lock();
    }
  }
}

// The guard is held, and is not when it returns.
trouble operation::wait_as_holder(detail::wait_list& list, detail::deadline until) {
  assert(inside_ && fd_.lane_of(way_).turn.is_taken());
  fd_.check_invariants();
  fd_.lane_of(way_).waits_until = until;
  fd_.lane_of(way_).unwaited = 0;
  const sched::wait_result how = sched::wait_on(
      list, fd_.guard(),
      {.reason = wait_reason::io_wait, .object = &fd_, .where = where_, .limit = wait::limit::of(until, stop_)});
  return {how == sched::wait_result::granted   ? kind::shut
          : how == sched::wait_result::stopped ? kind::ended
                                               : kind::none};
}

trouble operation::pause(detail::deadline when) {
  assert(inside_);
  fd::lane& l = fd_.lane_of(way_);
  fd_.guard().lock();
  fd_.descriptor_->end_try(fd_.direction_of(way_), false);  // it did not block: no event will say when to try again
  for (preparation p;;) {
    const trouble over = look();
    if (over || detail::now() >= when) {
      fd_.guard().unlock();
      return over;
    }
    const detail::deadline until = std::min(when, l.until);
    if (p.may_wait(until, fd_.guard())) {
      if (const trouble t = wait_as_holder(l.pausing, until)) {
        return t;
      }
      fd_.guard().lock();
    }
  }
}

void operation::leave() noexcept {
  fd::lane& l = fd_.lane_of(way_);
  fiber_list woken;
  bool last = false;
  bool over_budget = false;
  inside_ = false;
  {
    const std::scoped_lock hold(fd_.guard());
    if (tried_) {
      fd_.descriptor_->end_try(fd_.direction_of(way_), exhausted_);
    }
    fd_.check_invariants();
    assert(l.turn.is_taken());
    over_budget = ++l.unwaited >= most_unwaited;
    l.unwaited = over_budget ? 0 : l.unwaited;
    if (!l.evicted) {
      if (const fiber* const next = grant_first(l.line, woken)) {
        l.turn.hand_on(next->is_thread() ? 0 : detail::run_number());
      } else {
        l.turn.give_back();
        last = fd_.one_less();
      }
    }
  }
  sched::ready_all(woken);
  if (last) {
    fd_.give_number_back();
  }
  if (over_budget) {
    sched::give_way();
  } else {
    detail::cond_resched();
  }
}

}  // namespace gossamer::inline v0::net
