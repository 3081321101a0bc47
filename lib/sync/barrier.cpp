// barrier: see gossamer/conc/barrier.hpp.
#include "gossamer/conc/barrier.hpp"

#include <optional>

#include "gossamer/detail/run_number.hpp"
#include "sched/park.hpp"
#include "sched/wait_on.hpp"
#include "wait/guard_bit.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::conc {

barrier_status barrier::arrive(wait::limit limit, std::source_location where) {
  sched::prepare(limit);
  const std::uint64_t w = enter();
  if ((w & broken) != 0) {
    detail::held_lock{&word_, w}.release();  // P7
    return barrier_status::broken;
  }
  if (pending_of(w) == 1) {
    release_waiters(phase_of(parties_of(w)), true);
    return barrier_status::last;
  }
  std::uint32_t run_number = detail::own_run_number();
  std::optional<barrier_status> withdrawn;
  const sched::wait_result r = sched::wait_on(
      waiters_, {word_, w - one_pending, w},
      {.reason = wait_reason::barrier_wait, .object = this, .where = where, .limit = limit, .value = &run_number},
      [&](detail::waiter& self) noexcept { withdrawn = withdraw(self); });
  if (withdrawn) {
    return *withdrawn;
  }
  if (sched::through_object(r)) {
    return r == sched::wait_result::granted ? barrier_status::passed : barrier_status::broken;
  }
  abort();  // the stop was set before it had arrived
  return barrier_status::ended;
}

bool barrier::arrive_and_drop() {
  const std::uint64_t w = enter();
  const std::uint64_t parties = parties_of(w) - 1;
  const bool completes = (w & broken) == 0 && pending_of(w) == 1;
  if (completes) {
    release_waiters(phase_of(parties), true);
  } else {
    // A broken barrier counts nobody.
    const std::uint64_t arrived = (w & broken) != 0 ? 0 : one_pending;
    detail::held_lock{&word_, w - (std::uint64_t{1} << parties_shift) - arrived}.release();  // P7
  }
  return completes;
}

void barrier::abort() noexcept { release_waiters(lock() | broken, false); }

void barrier::reset() noexcept { release_waiters(phase_of(parties_of(lock())), false); }

// P6, of one that its time or its stop has woken. Where it is in the queue no more the phase has ended since: then it
// has arrived like the others, or the barrier was broken by another.
barrier_status barrier::withdraw(detail::waiter& self) noexcept {
  const std::uint64_t w = wait::set_guard(word_, guarded);
  if (self.queued) {
    release_waiters(w | broken, false);  // takes this one out of the queue, too
    return barrier_status::ended;
  }
  const bool passed = self.granted;
  detail::held_lock{&word_, w}.release();  // P7
  return passed ? barrier_status::passed : barrier_status::broken;
}

// lock(), for a party that arrives.
std::uint64_t barrier::enter() {
  const std::uint64_t w = lock();
  if (parties_of(w) == 0) [[unlikely]] {
    detail::held_lock{&word_, w}.release();
    panic("conc: barrier without parties");
  }
  return w;
}

// Sets the guard and returns the word without it. Waiters of an earlier run() that was over before they had returned
// have not arrived.
std::uint64_t barrier::lock() noexcept {
  std::uint64_t w = wait::set_guard(word_, guarded);
  const std::uint32_t now = detail::run_number();
  if (run_number_ == now) [[likely]] {
    return w;
  }
  run_number_ = now;
  detail::waiter* next = nullptr;
  for (detail::waiter* it = waiters_.head; it != nullptr; it = next) {
    next = it->next;
    if (detail::is_abandoned(*static_cast<const std::uint32_t*>(it->value))) {
      wait::remove(waiters_, *it);
      w += one_pending;
    }
  }
  return w;
}

// With the guard held: all that wait go, and `next` is the word. A waiter whose time has come at the same moment, so
// that it is not woken here, finds in `granted` whether it has passed: it takes the guard before it returns.
void barrier::release_waiters(std::uint64_t next, bool passed) noexcept {
  for (detail::waiter* it = waiters_.head; it != nullptr; it = it->next) {
    it->granted = passed;
  }
  fiber_list woken;
  claim_all(waiters_, woken);                 // P4
  detail::held_lock{&word_, next}.release();  // P7
  sched::ready_all(woken);                    // P5
}

}  // namespace gossamer::inline v0::conc
