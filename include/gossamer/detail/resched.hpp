// resched: whether a fiber that has kept its worker for long is to give way. Calls that may block look, and so a fiber
// that calls them now and then needs nobody to stand in for its worker. Source: Linux's cond_resched().
#pragma once

#include <atomic>

#include "config.hpp"

namespace gossamer::inline v0::detail {

// How many workers' fibers are asked to give way. The scheduler's.
GOSSAMER_API extern std::atomic<int> resched_requests;
// Whether the caller's may be among them. relaxed: a hint; who misses it looks again at its next call.
inline bool need_resched() noexcept { return resched_requests.load(std::memory_order_relaxed) > 0; }

}  // namespace gossamer::inline v0::detail
