// make_ready: the step by which a fiber that waits, or that has just been made, becomes one that may run. Whoever ends
// a wait goes through here, whether an object, a deadline or the poller has claimed the ticket; park.hpp's calls say
// where the fiber is then queued.
#pragma once

#include <atomic>
#include <cassert>

#include "base/futex.hpp"
#include "base/stress.hpp"
#include "fiber/fiber.hpp"
#include "machine/sanitizer.hpp"

namespace gossamer::inline v0::sched {

// What a plain thread's word says.
namespace thread_wait {
inline constexpr std::uint32_t waits = 0;
inline constexpr std::uint32_t goes_on = 1;
inline constexpr std::uint32_t sleeps = 2;  // whoever wakes it must tell the kernel
}  // namespace thread_wait

// One that goes into no queue (false), for an abandoned fiber never runs again, and one that is locked to a thread is
// called there; or one in a bubble, which is told. Out of line, so that the test before it stays one instruction.
bool make_unusual_ready(fiber& f) noexcept;

// Ends f's wait, which the caller has claimed. True if the caller is then to push f to a queue, once; otherwise f runs
// already, as a plain thread does, or is not to. Nothing of f may be touched after that, nor after the push.
inline bool make_ready(fiber& f) noexcept {
  base::stress_point();
  assert(f.state.load(std::memory_order_relaxed) != fiber_state::free);  // relaxed: the caller has claimed it
  detail::sanitizer_release(&f);
  if (f.is_thread()) {
    // release: pairs with the acquire in block_thread(). The record outlives its thread's wait, so waking is safe.
    if (f.thread_word.exchange(thread_wait::goes_on, std::memory_order_release) == thread_wait::sleeps) {
      base::futex_wake(f.thread_word);
    }
    return false;
  }
  if (f.has(detail::mark::abandoned | detail::mark::locked | detail::mark::bubbled)) [[unlikely]] {
    if (!make_unusual_ready(f)) {
      return false;
    }
  }
  // relaxed: the queue publishes the fiber.
  f.state.store(f.started() ? fiber_state::runnable : fiber_state::unstarted, std::memory_order_relaxed);
  return true;
}

}  // namespace gossamer::inline v0::sched
