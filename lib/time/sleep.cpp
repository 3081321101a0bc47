// sleep: see gossamer/time.hpp.
#include "gossamer/time.hpp"
#include "sched/park.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::detail {

void sleep(std::chrono::nanoseconds d, std::source_location where) {
  if (d.count() <= 0) {
    return;
  }
  sched::prepare_deadline();
  wait::ticket ticket(sched::current());  // P1
  ticket.uncontested = true;              // only time can end it
  sched::park({.ticket = ticket,          // P3
               .reason = wait_reason::sleep,
               .object = nullptr,
               .where = where,
               .until = after(now(), d)});
}

}  // namespace gossamer::inline v0::detail
