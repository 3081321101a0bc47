// limit: how long a blocking call may wait. Each such call has one limited form, which takes a wait::limit; whatever
// may end a wait converts to one:
//
//   mu.try_lock_until(deadline)                   a time point of any clock
//   ch.recv_until(50ms, v)                        a duration, from where the limit is made
//   wg.wait_until(ctx)                            a context, a recv_chan<void>, or a wait::stop
//   mu.try_lock_until({50ms, ctx})                a time and a stop: whichever comes first
#pragma once

#include <concepts>
#include <type_traits>

#include "detail/chrono.hpp"
#include "detail/deadline.hpp"
#include "detail/stop.hpp"

namespace gossamer::inline v0::wait {

namespace limit_detail {

template <class T>
inline constexpr bool is_time = false;
template <class Clock, class Duration>
inline constexpr bool is_time<std::chrono::time_point<Clock, Duration>> = true;
template <class Rep, class Period>
inline constexpr bool is_time<std::chrono::duration<Rep, Period>> = true;

template <class Clock, class Duration>
detail::deadline deadline_of(const std::chrono::time_point<Clock, Duration>& when) noexcept {
  return detail::to_deadline(when);
}
template <class Rep, class Period>
detail::deadline deadline_of(const std::chrono::duration<Rep, Period>& d) noexcept {
  return detail::after(detail::time_now(), detail::saturated_nanoseconds(d));
}

}  // namespace limit_detail

// A point in time: of any clock, or a duration from now, in any representation. One that is too far in the past or the
// future to be expressed has passed, or never comes.
template <class T>
concept time_limit = limit_detail::is_time<T>;

// What converts to a stop: a context, a recv_chan<void>.
template <class T>
concept stop_limit = std::convertible_to<const T&, stop>;

// limit: ends a wait when a time has come or a stop is set, whichever is first; or never. A value, to be handed to a
// call: what its stop refers to is to be kept alive until that returns. Making one of a stop or of a time_point of
// steady_clock costs nothing; of a duration or of another clock, a look at the clock.
class limit {
 public:
  // No limit: the call waits for as long as it takes.
  constexpr limit() noexcept = default;
  template <time_limit Time>
  limit(const Time& when) noexcept : until_(limit_detail::deadline_of(when)) {}
  template <stop_limit Stop>
  constexpr limit(const Stop& ended) noexcept(std::is_nothrow_convertible_v<const Stop&, wait::stop>) : stop_(ended) {}
  template <time_limit Time, stop_limit Stop>
  limit(const Time& when, const Stop& ended) : until_(limit_detail::deadline_of(when)), stop_(ended) {}
  template <time_limit Time, stop_limit Stop>
  limit(const Stop& ended, const Time& when) : limit(when, ended) {}
  // The earlier of two times.
  template <time_limit A, time_limit B>
  limit(const A& a, const B& b) noexcept : until_(limit_detail::deadline_of(a)) {
    const detail::deadline second = limit_detail::deadline_of(b);
    until_ = second < until_ ? second : until_;
  }

  // For the library: of its own deadlines.
  static constexpr limit of(detail::deadline until, wait::stop ended = {}) noexcept {
    limit l;
    l.until_ = until;
    l.stop_ = ended;
    return l;
  }

  // Whether a time is set, and which.
  constexpr bool has_deadline() const noexcept { return until_ != detail::no_deadline; }
  constexpr detail::deadline deadline() const noexcept { return until_; }
  // What ends the wait; refers to none where no stop was given.
  constexpr wait::stop stop() const noexcept { return stop_; }

 private:
  detail::deadline until_ = detail::no_deadline;
  wait::stop stop_{};
};

}  // namespace gossamer::inline v0::wait
