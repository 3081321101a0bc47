// sleep: see gossamer/time.hpp.
#include "gossamer/detail/resched.hpp"
#include "gossamer/time.hpp"
#include "sched/park.hpp"
#include "sched/wait_on.hpp"

#include <algorithm>
#include <chrono>

namespace gossamer::inline v0::detail {

namespace {

// A sleep without end has a time all the same: it is no deadlock.
constexpr deadline latest = no_deadline - 1;

}  // namespace

void sleep(std::chrono::nanoseconds d, std::source_location where) {
  if (d.count() <= 0) {
    detail::cond_resched();
    return;
  }
  sched::prepare_deadline();
  sched::wait_on_nothing({.reason = wait_reason::sleep,
                          .object = nullptr,
                          .where = where,
                          .limit = wait::limit::of(std::min(after(time_now(), d), latest)),
                          .durable = true});
}

bool sleep(deadline when, wait::stop s, std::source_location where) {
  if (when <= time_now()) {
    detail::cond_resched();
    return true;
  }
  sched::prepare_deadline();
  return sched::wait_on_nothing({.reason = wait_reason::sleep,
                                 .object = nullptr,
                                 .where = where,
                                 .limit = wait::limit::of(std::min(when, latest), s),
                                 .durable = true}) == sched::wait_result::timed_out;
}

}  // namespace gossamer::inline v0::detail
