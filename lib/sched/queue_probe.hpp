// queue_probe: how long a fiber at the end of a worker's queue waits for its turn, without a mark on any fiber: at a
// look at the clock the worker remembers where the queue ends, and at a later one it sees that all up to there have been
// taken. When that was is interpolated between the last two looks, since fibers run for about as long as each other.
// A queue that is empty at a look counts as a wait of nothing.
//
// By its worker alone. Times are the steady clock's, in ns.
#pragma once

#include <cstdint>

#include "gossamer/detail/deadline.hpp"

namespace gossamer::inline v0::sched {

class queue_probe {
 public:
  static constexpr detail::deadline none = -1;

  // The worker looks: so many fibers were ever put into its queue, and so many taken out. Returns a wait, or none.
  detail::deadline look(detail::deadline now, std::uint32_t pushed, std::uint32_t popped) noexcept {
    detail::deadline waited = none;
    if (set_ && static_cast<std::int32_t>(popped - end_) >= 0) {
      const auto taken = static_cast<detail::deadline>(popped - popped_before_);
      const auto needed = static_cast<detail::deadline>(end_ - popped_before_);
      const detail::deadline passed = taken > 0 ? (now - looked_at_) * needed / taken : 0;
      waited = looked_at_ + passed - begun_;
      set_ = false;
    }
    looked_at_ = now;
    popped_before_ = popped;
    if (!set_) {
      if (pushed == popped) {
        return waited == none ? 0 : waited;
      }
      set_ = true;
      begun_ = now;
      end_ = pushed;
    }
    return waited;
  }
  // The worker had nothing to do, or waited for its locked fiber: that time was no queue's.
  void forget() noexcept { set_ = false; }

 private:
  bool set_ = false;
  std::uint32_t end_ = 0;  // so many must have been taken
  std::uint32_t popped_before_ = 0;
  detail::deadline begun_ = 0;
  detail::deadline looked_at_ = 0;
};

}  // namespace gossamer::inline v0::sched
