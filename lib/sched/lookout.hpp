// lookout: what the idle worker that has the watch remembers from one step to the next, how long its steps are, and
// what it knows of what is still to come. It belongs to whoever has the watch, but for the hint `more_expected`.
#pragma once

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstdint>

#include "gossamer/detail/deadline.hpp"
#include "sched/global_queue.hpp"

namespace gossamer::inline v0::sched {

// How long the lookout's steps are, in ns. What comes up during one step is seen at its end, and has waited for a whole
// step at the end of the next: if something waits, two steps together are below 1 ms.
class lookout_steps {
 public:
  static constexpr detail::deadline shortest = 50'000;
  static constexpr detail::deadline longest = 800'000;
  static constexpr detail::deadline two_steps = 900'000;

  detail::deadline length() const noexcept { return length_; }
  // After a step at whose end something waited, or nothing did.
  void next(bool waiting) noexcept {
    length_ = std::min(2 * length_, waiting ? std::max(two_steps - length_, shortest) : longest);
    assert(length_ >= shortest && length_ <= longest);
  }

 private:
  detail::deadline length_ = shortest;
};

class lookout {
 public:
  // For so long after something came to a worker with the watch, by the poller or from outside, more is expected.
  static constexpr detail::deadline expectation = 4'000'000;

  constexpr lookout() noexcept = default;

  // Whether what was in the global queue at the last look is there still.
  bool has_waited(const global_queue& q) noexcept {
    const bool waited = static_cast<std::int64_t>(pushed_ - q.popped()) > 0;
    pushed_ = q.pushed();
    return waited;
  }

  // From any worker. relaxed, both: a hint.
  void expect_more(detail::deadline now) noexcept {
    more_expected_until_.store(now + expectation, std::memory_order_relaxed);
  }
  bool more_expected(detail::deadline now) const noexcept {
    return now < more_expected_until_.load(std::memory_order_relaxed);
  }

 private:
  std::uint64_t pushed_ = 0;
  std::atomic<detail::deadline> more_expected_until_{0};
};

}  // namespace gossamer::inline v0::sched
