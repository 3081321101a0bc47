// upkeep: what look_after() of park.hpp has left to the workers.
#pragma once

#include <atomic>

#include "gossamer/detail/deadline.hpp"

namespace gossamer::inline v0::sched {

extern std::atomic<detail::deadline> upkeep_at;

// When it is due; no_deadline if there is nothing to look after. relaxed: a hint.
inline detail::deadline upkeep_due() noexcept { return upkeep_at.load(std::memory_order_relaxed); }

void do_upkeep(detail::deadline now) noexcept;

// On a worker's own stack.
inline void look_after_upkeep(detail::deadline now) noexcept {
  if (upkeep_due() <= now) [[unlikely]] {
    do_upkeep(now);
  }
}

}  // namespace gossamer::inline v0::sched
