// resched: whether a fiber that has kept its worker for long is to give way. Calls that may block look, and so a fiber
// that calls them now and then needs nobody to stand in for its worker. Source: Linux's cond_resched().
#pragma once

#include <atomic>

#include "config.hpp"

namespace gossamer::inline v0::detail {

// How many workers' fibers are asked to give way. The scheduler's.
GOSSAMER_API extern std::atomic<int> resched_requests;
// The caller's fiber gives way if it is among them. By cond_resched().
GOSSAMER_API void resched() noexcept;

// By a call that may block, with no lock held. Not by one that never blocks: who calls that may hold what another
// fiber's thread must not wait for. relaxed: a hint; who misses it looks again at its next call.
[[gnu::always_inline]] inline void cond_resched() noexcept {
  if (resched_requests.load(std::memory_order_relaxed) > 0) [[unlikely]] {
    resched();
  }
}

}  // namespace gossamer::inline v0::detail
