// own_place: what belongs to one worker, used by whatever fiber runs there, without a locked instruction. No fiber is
// taken off its worker but in calls that may block, so that until then it has the worker's own things for itself. The
// rare other party makes the owner's fast path visible to itself by a barrier on all threads (membarrier).
#pragma once

#include <atomic>

#include "config.hpp"

namespace gossamer::inline v0::detail {

// The index of the worker whose thread this is, good until its next call that may block; -1 on a plain thread. No other
// thread ever has the same.
GOSSAMER_API int worker_index() noexcept;

// Whether heavy_barrier() reaches all threads. False until it is first asked for, and where the kernel cannot do it.
GOSSAMER_API extern std::atomic<bool> light_is_enough;
GOSSAMER_API void barrier_without_help() noexcept;

// A store before the one and a look after it, against a store before the other and a look after that: one of the two
// sees what the other stored. Light is a matter of the compiler; heavy costs some microseconds.
inline void light_barrier() noexcept {
  // relaxed: once it is true it stays so; who sees false makes a real fence.
  if (light_is_enough.load(std::memory_order_relaxed)) [[likely]] {
    std::atomic_signal_fence(std::memory_order_seq_cst);
  } else {
    barrier_without_help();
  }
}
GOSSAMER_API void heavy_barrier() noexcept;

}  // namespace gossamer::inline v0::detail
