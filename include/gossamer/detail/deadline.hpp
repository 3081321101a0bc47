// deadline: points of CLOCK_MONOTONIC in nanoseconds, and conversions to them that do not overflow.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>
#include <type_traits>

namespace gossamer::inline v0::detail {

// A point of steady_clock in nanoseconds since its epoch.
using deadline = std::int64_t;
inline constexpr deadline no_deadline = std::numeric_limits<std::int64_t>::max();

// d in whole nanoseconds, rounded up; the nearest limit where it does not fit or is not a number.
template <class Rep, class Period>
constexpr std::chrono::nanoseconds saturated_nanoseconds(std::chrono::duration<Rep, Period> d) noexcept {
  using std::chrono::nanoseconds;
  using wide = std::chrono::duration<long double, std::nano>;
  const auto w = std::chrono::duration_cast<wide>(d);
  if (!(w < wide(nanoseconds::max()))) {
    return nanoseconds::max();
  }
  if (!(w > wide(nanoseconds::min()))) {
    return nanoseconds::min();
  }
  return std::chrono::ceil<nanoseconds>(d);
}

// The deadline that lies d after now; no_deadline where that overflows.
constexpr deadline after(deadline now, std::chrono::nanoseconds d) noexcept {
  deadline sum = 0;
  return __builtin_add_overflow(now, d.count(), &sum) ? no_deadline : sum;
}

inline deadline now() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// The deadline of any time point: steady ones as they are, others by their distance from now.
template <class Clock, class Duration>
deadline to_deadline(std::chrono::time_point<Clock, Duration> tp) noexcept {
  if constexpr (std::is_same_v<Clock, std::chrono::steady_clock>) {
    return saturated_nanoseconds(tp.time_since_epoch()).count();
  } else {
    return after(now(), saturated_nanoseconds(tp - Clock::now()));
  }
}

}  // namespace gossamer::inline v0::detail
