// debug/metrics: what the runtime has done since it started, and what it has at this moment, in numbers.
// Source: Go runtime/metrics. Differs: a structure with names instead of a list of samples; what each worker has done
// is there as well.
//
// Each worker counts for itself, in memory that no other writes; a reader sums up. So the numbers are not of one
// instant, and a sum may be ahead of another that it could never exceed; none of the counts ever goes back.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "../detail/config.hpp"

namespace gossamer::inline v0::debug {

// How long something took, and how often: counts by powers of four.
struct histogram {
  static constexpr std::size_t buckets = 15;
  // The longest time that counts for bucket i: 1.024 us for the first one, four times the one before it for each other;
  // of the last one, which has no limit, the largest duration that there is.
  static constexpr std::chrono::nanoseconds upper_bound(std::size_t i) noexcept {
    return i + 1 < buckets ? std::chrono::nanoseconds(std::int64_t{1024} << (2 * i)) : std::chrono::nanoseconds::max();
  }

  std::array<std::uint64_t, buckets> counts{};
  std::chrono::duration<double> sum{0};  // of all that were counted

  constexpr std::uint64_t count() const noexcept {
    std::uint64_t n = 0;
    for (const std::uint64_t c : counts) {
      n += c;
    }
    return n;
  }
};

// How often fibers were parked for a reason: Go's words, as in fiber_info::reason.
struct park_count {
  std::string_view reason;
  std::uint64_t count = 0;
};

// What one worker has done, or all of them.
struct counters {
  std::uint64_t spawned = 0;   // fibers
  std::uint64_t ended = 0;     // fibers
  std::uint64_t switches = 0;  // how often a fiber was made to run
  // How often fibers were taken from another worker's queue, and how many.
  std::uint64_t steals = 0;
  std::uint64_t stolen = 0;
  std::uint64_t idles = 0;  // how often there was nothing to do
  // How often the kernel, or Asio, was asked for events, and how many fibers went on for what it said.
  std::uint64_t polls = 0;
  std::uint64_t poll_events = 0;
  std::uint64_t timers_fired = 0;    // deadlines that have come, and ticks
  std::uint64_t blocking_calls = 0;  // runtime::blocking()
  // Every reason is there, in the same order each time, whether or not anybody has waited for it.
  std::vector<park_count> parks;
  // How long fibers were blocked, until they ran again. Of the waits for one reason each worker times the first of
  // 64.
  histogram wait_time;
  // How long a fiber that is ready waits for its turn: not of each, but a sample where a worker reads the clock, and
  // where timers or events have made fibers ready: of the one that is last in the worker's queue then (nobody there:
  // 0).
  histogram queue_time;
};

// What read_metrics() has counted. A value.
struct metrics {
  // -- since the start --
  counters total;  // and what plain threads have spawned
  // One for each thread that was ever made to run fibers, by the number that is in its name.
  std::vector<counters> workers;
  // Fibers that were alive when a run() ended: they never run again. total.spawned == total.ended + abandoned + fibers
  // while none is being spawned or is ending.
  std::uint64_t abandoned = 0;

  // -- now --
  std::uint64_t fibers = 0;  // runtime::num_fibers()
  // Of these, each looked at once.
  std::uint64_t runnable = 0;
  std::uint64_t running = 0;
  std::uint64_t in_calls = 0;  // in runtime::blocking()
  std::uint64_t waiting = 0;
  int procs = 0;             // workers that run fibers at the same time
  std::uint64_t timers = 0;  // in the timer heaps; deadlines that have been given up may be there for a while
  // Stacks that fibers have, and their size with the guards, in address space; and what is mapped for stacks, those
  // included that are kept for the next fibers. How much of it is in memory: fiber_info::high_water.
  std::uint64_t stacks = 0;
  std::uint64_t stack_bytes = 0;
  std::uint64_t mapped_stack_bytes = 0;
};

// Takes some nanoseconds a fiber and a microsecond or so a worker; nobody is stopped. Zeros before the runtime has
// started. From anywhere but a signal handler. Throws std::bad_alloc.
GOSSAMER_API metrics read_metrics();

}  // namespace gossamer::inline v0::debug
