// deadline: points of CLOCK_MONOTONIC in nanoseconds, and conversions to them that do not overflow.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <ratio>
#include <type_traits>

#include "chrono.hpp"
#include "config.hpp"

namespace gossamer::inline v0::detail {

// A point of steady_clock in nanoseconds since its epoch.
using deadline = std::int64_t;
inline constexpr deadline no_deadline = std::numeric_limits<std::int64_t>::max();

// The earliest deadline: it has passed. No earlier one is handed to the runtime, so that the time from one to another
// always fits; and it is not zero, which some callers give a meaning.
inline constexpr deadline long_ago = 1;

__extension__ using wide_count = __int128;

// Of those representations is the arithmetic below.
template <class Rep>
inline constexpr bool is_exact = std::is_integral_v<Rep> && sizeof(Rep) <= sizeof(std::int64_t);

constexpr std::intmax_t common_divisor(std::intmax_t a, std::intmax_t b) noexcept {
  return b == 0 ? a : common_divisor(b, a % b);
}

// n periods in whole nanoseconds, rounded up; the nearest limit where that does not fit.
template <class Period>
constexpr std::chrono::nanoseconds saturated_nanoseconds(wide_count n) noexcept {
  using std::chrono::nanoseconds;
  constexpr std::intmax_t common = common_divisor(std::nano::den, Period::den);
  constexpr wide_count factor = wide_count{Period::num} * (std::nano::den / common);
  constexpr wide_count divisor = Period::den / common;
  constexpr wide_count max_wide = (((wide_count{1} << 126) - 1) << 1) + 1;
  constexpr wide_count most = max_wide / factor;  // what has more is over the limit, by whatever it is divided
  if (n > most) {
    return nanoseconds::max();
  }
  if (n < -most) {
    return nanoseconds::min();
  }
  const wide_count product = n * factor;
  const wide_count whole = product / divisor + (product % divisor > 0 ? 1 : 0);
  if (whole >= nanoseconds::max().count()) {
    return nanoseconds::max();
  }
  if (whole <= nanoseconds::min().count()) {
    return nanoseconds::min();
  }
  return nanoseconds(static_cast<nanoseconds::rep>(whole));
}

// d in whole nanoseconds, rounded up; the nearest limit where it does not fit, the upper one where it is not a number.
template <class Rep, class Period>
constexpr std::chrono::nanoseconds saturated_nanoseconds(std::chrono::duration<Rep, Period> d) noexcept {
  using std::chrono::nanoseconds;
  if constexpr (std::is_same_v<std::chrono::duration<Rep, Period>, nanoseconds>) {
    return d;
  } else if constexpr (is_exact<Rep>) {
    return saturated_nanoseconds<Period>(static_cast<wide_count>(d.count()));
  } else {
    using wide = std::chrono::duration<long double, std::nano>;
    constexpr long double end = 9223372036854775808.0L;  // 2^63: the first that does not fit
    const auto w = std::chrono::duration_cast<wide>(d).count();
    if (!(w < end)) {
      return nanoseconds::max();
    }
    if (w <= -end) {
      return nanoseconds::min();
    }
    if constexpr (std::is_floating_point_v<Rep>) {
      // In its own precision, in which 0.1 is what was meant by it. It may round up to the limit.
      const auto own = std::chrono::duration_cast<std::chrono::duration<Rep, std::nano>>(d).count();
      if (own >= static_cast<Rep>(end)) {
        return nanoseconds::max();
      }
      const auto n = static_cast<nanoseconds::rep>(own);
      return nanoseconds(static_cast<Rep>(n) < own ? n + 1 : n);
    } else {
      return std::chrono::ceil<nanoseconds>(d);
    }
  }
}

// How long it is from a point of a clock to another. What is subtracted may be at the ends of its range.
template <class Clock, class From, class To>
constexpr std::chrono::nanoseconds saturated_distance(std::chrono::time_point<Clock, From> from,
                                                      std::chrono::time_point<Clock, To> to) noexcept {
  if constexpr (is_exact<typename From::rep> && is_exact<typename To::rep>) {
    using period = typename std::common_type_t<From, To>::period;
    const auto count_of = [](auto d) noexcept {
      using ratio = std::ratio_divide<typename decltype(d)::period, period>;
      static_assert(ratio::den == 1);
      return static_cast<wide_count>(d.count()) * ratio::num;  // of 63 bits each
    };
    const wide_count a = count_of(to.time_since_epoch());
    const wide_count b = count_of(from.time_since_epoch());
    constexpr wide_count half = wide_count{1} << 125;
    const bool fits = a < half && a > -half && b < half && b > -half;
    return fits    ? saturated_nanoseconds<period>(a - b)
           : a > b ? std::chrono::nanoseconds::max()
                   : std::chrono::nanoseconds::min();
  } else {
    return saturated_nanoseconds(to - from);
  }
}

// The deadline that lies d after now; no_deadline where that overflows.
constexpr deadline after(deadline now, std::chrono::nanoseconds d) noexcept {
  deadline sum = 0;
  const bool overflows = __builtin_add_overflow(now, d.count(), &sum);
  if (d.count() < 0) {
    return overflows || sum < long_ago ? long_ago : sum;
  }
  return overflows ? no_deadline : sum;
}

// The same of points of steady_clock, whose last stands for none.
using steady_point = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;
constexpr steady_point after(steady_point from, std::chrono::nanoseconds d) noexcept {
  return steady_point(std::chrono::nanoseconds(detail::after(from.time_since_epoch().count(), d)));
}

inline deadline now() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// How many bubbles there are; the time in the caller's, which is the machine's where it is in none; and its number,
// which is 0 then. See gossamer/synctest.hpp.
GOSSAMER_API extern std::atomic<int> bubbles;
GOSSAMER_API deadline bubble_now() noexcept;
GOSSAMER_API std::uint32_t bubble_number() noexcept;
// A point of the clock that the caller sees, by the machine's clock.
GOSSAMER_API deadline on_machine_clock(deadline when) noexcept;

// What time it is for the caller. relaxed, both: who is in a bubble knows that there is one.
inline deadline time_now() noexcept {
  return bubbles.load(std::memory_order_relaxed) == 0 ? now() : detail::bubble_now();
}
inline std::uint32_t current_bubble() noexcept {
  return bubbles.load(std::memory_order_relaxed) == 0 ? 0 : detail::bubble_number();
}

// The deadline of any time point: steady ones as they are, others by their distance from now.
template <class Clock, class Duration>
deadline to_deadline(std::chrono::time_point<Clock, Duration> tp) noexcept {
  if constexpr (std::is_same_v<Clock, std::chrono::steady_clock>) {
    const deadline at = saturated_nanoseconds(tp.time_since_epoch()).count();
    return at < long_ago ? long_ago : at;
  } else {
    return after(time_now(), saturated_distance(Clock::now(), tp));
  }
}

}  // namespace gossamer::inline v0::detail
