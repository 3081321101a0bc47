// waiting: see waiting.hpp.
#include "net/waiting.hpp"

#include <cassert>

#include "sched/park.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::net {

bool preparation::may_wait(detail::deadline until, detail::spin_lock& guard) {
  assert(guard.is_locked());
  const bool runs = started_ || !sched::need_workers();
  if (runs && (until == detail::no_deadline || prepared_)) {
    prepared_ = false;
    return true;
  }
  guard.unlock();
  if (!runs) {
    sched::start_workers();
    started_ = true;
  }
  sched::prepare_deadline();
  prepared_ = true;
  guard.lock();
  return false;
}

fiber* grant_first(detail::wait_list& list, fiber_list& woken) noexcept {
  detail::waiter* const w = wait::claim_first(list);
  if (w == nullptr) {
    return nullptr;
  }
  assert(!w->granted);
  w->granted = true;
  woken.add(w->its->owner);
  return w->its->owner;
}

}  // namespace gossamer::inline v0::net
