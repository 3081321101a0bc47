// worker_counts: what a worker has done, for debug::read_metrics(). Each number is written by its worker alone, by
// plain loads and stores, and lies on no line that another worker writes. Whoever asks sums them up: nothing is of one
// instant.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "fiber/reason.hpp"
#include "gossamer/detail/deadline.hpp"
#include "gossamer/detail/relaxed.hpp"

namespace gossamer::inline v0::sched {

using event_count = detail::relaxed<std::uint64_t>;

inline void add_to(event_count& count, std::uint64_t n) noexcept { count = count + n; }

// How long something took, by powers of four: bucket i has what took at most shortest << 2 i ns, and longer than those
// before it; the last has no limit.
class time_counts {
 public:
  static constexpr std::size_t buckets = 15;
  static constexpr std::uint64_t shortest = 1024;

  void add(detail::deadline ns) noexcept {
    // A time that another worker has read may be a little later.
    const std::uint64_t took = ns > 0 ? static_cast<std::uint64_t>(ns) : 0;
    const std::uint64_t over = took > 0 ? (took - 1) / shortest : 0;
    const auto i = static_cast<std::size_t>(std::bit_width(over) + 1) / 2;
    ++counts_[i < buckets ? i : buckets - 1];
    sum_ns_ = sum_ns_ + static_cast<double>(took);
  }
  std::uint64_t at(std::size_t i) const noexcept { return counts_[i]; }
  double sum_ns() const noexcept { return sum_ns_; }

 private:
  std::array<event_count, buckets> counts_;
  detail::relaxed<double> sum_ns_;  // in nanoseconds: whole ones would overflow after a week of many waits
};

struct worker_counts {
  // Of the waits for one reason every so many-th is timed, the first one too. Source: Go's gTrackingPeriod.
  static constexpr std::uint64_t timed_every = 64;

  // A fiber parks. True if the wait is to be timed.
  bool count_park(wait_reason reason) noexcept {
    event_count& n = parks[static_cast<std::size_t>(reason)];
    const std::uint64_t before = n;
    n = before + 1;
    return before % timed_every == 0;
  }

  std::array<event_count, wait_reasons> parks;
  time_counts waits;
  time_counts queued;  // see queue_probe.hpp
  event_count steals;  // from another's queues
  event_count stolen;  // fibers, by these
  event_count idles;   // how often it had nothing to do
  event_count polls;   // how often it has asked the poller
  event_count events;  // fibers that the poller has reported to it
  event_count timers;  // deadlines and ticks that came due, and it has seen to
  event_count calls;   // announced blocking calls
};

}  // namespace gossamer::inline v0::sched
