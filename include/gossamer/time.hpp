// time: sleeping. Durations are std::chrono; the clock is CLOCK_MONOTONIC (std::chrono::steady_clock).
// Source: Go's package time.
#pragma once

#include <chrono>
#include <source_location>

#include "detail/config.hpp"
#include "detail/deadline.hpp"

namespace gossamer::inline v0 {

using namespace std::chrono_literals;

namespace time {

// Go's time.Duration. Where one is taken any std::chrono duration is: it is rounded up to whole nanoseconds, and held
// at the largest one where it does not fit.
using duration = std::chrono::nanoseconds;

}  // namespace time

namespace detail {
GOSSAMER_API void sleep(std::chrono::nanoseconds d, std::source_location where);
}

namespace time {

// Parks the fiber (blocks the thread) for at least d; returns at once if d <= 0. Never returns early.
template <class Rep, class Period>
void sleep(std::chrono::duration<Rep, Period> d, std::source_location where = std::source_location::current()) {
  detail::sleep(detail::saturated_nanoseconds(d), where);
}

}  // namespace time

}  // namespace gossamer::inline v0
