// stack_shortage: what a worker knows while fibers wait for a stack: when it last called the idle workers, so that they
// give up the stacks that they keep, and since when nothing has run. Times are the steady clock's, in ns.
#pragma once

#include <cstdint>

#include "gossamer/detail/deadline.hpp"

namespace gossamer::inline v0::sched {

class stack_shortage {
 public:
  // How often the idle workers are called.
  static constexpr detail::deadline call_interval = 5'000'000;
  // Nothing can run if nothing has run for so long, and no timer is armed. A plain thread might still wake somebody,
  // but whoever waits for that cannot know.
  static constexpr detail::deadline standstill = 1'000'000'000;

  // True once an interval.
  bool call_is_due(detail::deadline now) noexcept {
    if (now - called_at_ <= call_interval) {
      return false;
    }
    called_at_ = now;
    return true;
  }

  // At each attempt to find a stack that failed: whether nothing can ever run again. `others_may_run`: without a
  // switch, or later; `switches`: of all workers so far.
  bool is_standstill(detail::deadline now, bool others_may_run, std::uint64_t switches) noexcept {
    if (others_may_run || switches != still_at_ || still_since_ == 0) {
      still_at_ = switches;
      still_since_ = now;
      return false;
    }
    return now - still_since_ > standstill;
  }

 private:
  detail::deadline called_at_ = 0;
  detail::deadline still_since_ = 0;
  std::uint64_t still_at_ = 0;
};

}  // namespace gossamer::inline v0::sched
