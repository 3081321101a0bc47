// waiting: see waiting.hpp.
#include "net/waiting.hpp"

#include <span>

#include "sched/park.hpp"
#include "wait/stop.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::net {

bool preparation::may_wait(detail::deadline until, detail::spin_lock& guard) {
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

woke wait_in(detail::wait_list& list, detail::spin_lock& guard, const waiting& how) {
  wait::ticket ticket(sched::current_to_park(how.reason, [&] { guard.unlock(); }));  // P1
  wait::stop_waiter end(how.end, ticket);
  detail::waiter self(ticket);
  ticket.uncontested = how.until == detail::no_deadline && !end.holds();
  if (!end.push()) {
    guard.unlock();  // P7
    return woke::by_stop;
  }
  wait::push_back(list, self);  // P2
  const detail::held_lock held[] = {guard.held(), end.holds() ? end.held() : detail::held_lock{nullptr, 0}};
  sched::park({.ticket = ticket,  // P3
               .reason = how.reason,
               .object = how.object,
               .where = how.where,
               .until = how.until,
               .locks = std::span(held, end.holds() ? 2 : 1)});
  end.withdraw();
  if (ticket.winner == &self) {
    return self.granted ? woke::granted : woke::by_object;
  }
  guard.lock();
  wait::remove(list, self);  // P6
  guard.unlock();            // P7
  return end.fired() ? woke::by_stop : woke::by_time;
}

bool grant_first(detail::wait_list& list, fiber_list& woken) noexcept {
  detail::waiter* const w = wait::claim_first(list);
  if (w != nullptr) {
    w->granted = true;
    woken.add(w->its->owner);
  }
  return w != nullptr;
}

}  // namespace gossamer::inline v0::net
