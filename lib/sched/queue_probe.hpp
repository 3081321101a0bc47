// queue_probe: how long a fiber at the end of a worker's queue waits for its turn, without a mark on any fiber: where
// the clock is read the worker remembers where the queue ends, and at a later reading it sees that all up to there have
// been taken. When that was is interpolated between the last two readings, since fibers run for about as long as each
// other. A queue that is empty counts as a wait of nothing.
//
// By its worker alone. Times are the steady clock's, in ns; counts of what went into the queue and out of it are modulo
// 2^32.
#pragma once

#include <cstdint>

#include "gossamer/detail/deadline.hpp"

namespace gossamer::inline v0::sched {

class queue_probe {
 public:
  static constexpr detail::deadline none = -1;

  // From here on it waits for the queue's end, unless it does already. Returns 0 where nobody is in it, else none.
  detail::deadline begin(detail::deadline now, std::uint32_t pushed, std::uint32_t popped) noexcept {
    if (set_) {
      return none;
    }
    looked_at_ = now;
    popped_before_ = popped;
    set_ = pushed != popped;
    begun_ = now;
    end_ = pushed;
    return set_ ? none : 0;
  }
  // Returns the wait, if all have been taken that begin() saw; else none.
  detail::deadline finish(detail::deadline now, std::uint32_t popped) noexcept {
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
    return waited;
  }
  // Both.
  detail::deadline look(detail::deadline now, std::uint32_t pushed, std::uint32_t popped) noexcept {
    const detail::deadline waited = finish(now, popped);
    const detail::deadline next = begin(now, pushed, popped);
    return waited != none ? waited : next;
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
