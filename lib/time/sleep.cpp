// sleep: see gossamer/time.hpp.
#include "gossamer/time.hpp"
#include "sched/park.hpp"
#include "sched/wait_on.hpp"

#include <chrono>

namespace gossamer::inline v0::detail {

void sleep(std::chrono::nanoseconds d, std::source_location where) {
  if (d.count() <= 0) {
    sched::cond_resched();
    return;
  }
  sched::prepare_deadline();
  sched::wait_on_nothing(
      {.reason = wait_reason::sleep, .object = nullptr, .where = where, .limit = wait::limit::of(after(now(), d))});
}

bool sleep(deadline when, wait::stop s, std::source_location where) {
  if (when <= now()) {
    sched::cond_resched();
    return true;
  }
  sched::prepare_deadline();
  return sched::wait_on_nothing(
             {.reason = wait_reason::sleep, .object = nullptr, .where = where, .limit = wait::limit::of(when, s)}) ==
         sched::wait_result::timed_out;
}

}  // namespace gossamer::inline v0::detail
