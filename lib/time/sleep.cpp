// sleep: see gossamer/time.hpp.
#include "gossamer/time.hpp"
#include "sched/park.hpp"
#include "wait/stop.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::detail {

void sleep(std::chrono::nanoseconds d, std::source_location where) {
  if (d.count() <= 0) {
    return;
  }
  sched::prepare_deadline();
  wait::ticket ticket(sched::current_to_park(wait_reason::sleep, [] {}));  // P1
  ticket.uncontested = true;                                               // only time can end it
  sched::park({.ticket = ticket,                                           // P3
               .reason = wait_reason::sleep,
               .object = nullptr,
               .where = where,
               .until = after(now(), d)});
}

bool sleep(deadline when, wait::stop s, std::source_location where) {
  if (when <= now()) {
    return true;
  }
  sched::prepare_deadline();
  wait::ticket ticket(sched::current_to_park(wait_reason::sleep, [] {}));  // P1
  ticket.uncontested = s.core() == nullptr;
  wait::stop_waiter end(s, ticket);
  if (!end.push()) {  // P2
    return false;
  }
  const held_lock held[] = {end.holds() ? end.held() : held_lock{}};
  sched::park({.ticket = ticket,  // P3
               .reason = wait_reason::sleep,
               .object = nullptr,
               .where = where,
               .until = when,
               .locks = std::span(held, end.holds() ? 1 : 0)});
  end.withdraw();  // P6
  return !end.fired();
}

}  // namespace gossamer::inline v0::detail
