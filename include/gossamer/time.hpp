// time: sleeping, timers and tickers. Durations are std::chrono; the clock is CLOCK_MONOTONIC
// (std::chrono::steady_clock). Source: Go's package time, as of Go 1.23. Differs: a time point has no wall clock in it.
//
// A timer or ticker is a handle: copies are the same timer, operations are const. What a channel timer sends is the
// time at which it was due. Its channel looks unbuffered (len and cap are 0) and holds one value at most; after stop()
// or reset() has returned, nothing from before will be received. When the last handle and the last copy of its channel
// are gone, the timer is, too: nothing need be stopped to free it. From a fiber or a plain thread, which starts the
// runtime as go() does. When run() returns, no timer that was armed fires any more.
#pragma once

#include <cstddef>
#include <new>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "chan.hpp"
#include "detail/chan_core.hpp"
#include "detail/chrono.hpp"
#include "detail/config.hpp"
#include "detail/deadline.hpp"
#include "detail/invoke.hpp"
#include "detail/misuse.hpp"
#include "detail/spawn.hpp"
#include "detail/stop.hpp"
#include "detail/text.hpp"
#include "error.hpp"

namespace gossamer::inline v0 {

using namespace std::chrono_literals;

namespace time {

// Go's time.Duration. Where one is taken any std::chrono duration is: it is rounded up to whole nanoseconds, and held
// at the largest one where it does not fit.
using duration = std::chrono::nanoseconds;

// For Go's 3 * time.Second; 3s is the same.
inline constexpr duration nanosecond = 1ns;
inline constexpr duration microsecond = 1us;
inline constexpr duration millisecond = 1ms;
inline constexpr duration second = 1s;
inline constexpr duration minute = 1min;
inline constexpr duration hour = 1h;

// As Go prints it: 1h15m30.918s, 1.5ms, 0s. Source: Go's Duration.String. There is no operator<< for it: durations are
// std::chrono's, for which the standard library has one from g++ 13 and clang 19 on (1500ms), and a second one would be
// ambiguous. fmt::println prints this text.
template <class Rep, class Period>
std::string text(std::chrono::duration<Rep, Period> d) {
  std::string s;
  detail::append_text(s, d);
  return s;
}

// What text() prints, and more: numbers with units, one behind the other, and a sign before them: "1.5h", "-2m3.4s",
// "300ms". Units are ns, us (or µs), ms, s, m and h; "0" needs none. What is finer than a nanosecond is cut off.
// Anything else, and what does not fit, is an error in Go's words: `time: invalid duration "x"`, `time: missing unit in
// duration "3"`, `time: unknown unit "d" in duration "3d"`; the duration is 0 then. Source: Go's time.ParseDuration.
GOSSAMER_API std::pair<duration, error> parse_duration(std::string_view s);

// Go's time.Time, for measuring: it never jumps, and is what every `..._until` takes. For the time of day there is
// std::chrono::system_clock, whose time points since(), until() and every `..._until` take as well.
using time_point = std::chrono::time_point<std::chrono::steady_clock, duration>;

inline time_point now() noexcept { return time_point(duration(detail::time_now())); }

}  // namespace time

namespace detail {

// A steady_clock's is the caller's.
template <class Clock>
auto now_by() noexcept {
  if constexpr (std::is_same_v<Clock, std::chrono::steady_clock>) {
    return time::now();
  } else {
    return Clock::now();
  }
}

}  // namespace detail

namespace time {

// How long ago tp was, by its own clock; negative if it is to come. The nearest limit where that does not fit.
template <class Clock, class Duration>
duration since(std::chrono::time_point<Clock, Duration> tp) noexcept {
  return detail::saturated_distance(tp, detail::now_by<Clock>());
}
// How long it is until tp, by its own clock; negative if it has passed. The nearest limit where that does not fit.
template <class Clock, class Duration>
duration until(std::chrono::time_point<Clock, Duration> tp) noexcept {
  return detail::saturated_distance(detail::now_by<Clock>(), tp);
}

}  // namespace time

namespace detail {

GOSSAMER_API void sleep(std::chrono::nanoseconds d, std::source_location where);
GOSSAMER_API bool sleep(deadline when, wait::stop s, std::source_location where);

// A timer with two references, one for its handle and one for the handle's `c`. They throw std::bad_alloc.
GOSSAMER_API chan_core* timer_make(std::chrono::nanoseconds d);
GOSSAMER_API chan_core* ticker_make(std::chrono::nanoseconds d);
GOSSAMER_API bool timer_stop(chan_core* t);
GOSSAMER_API bool timer_reset(chan_core* t, std::chrono::nanoseconds d);
GOSSAMER_API void ticker_stop(chan_core* t) noexcept;
GOSSAMER_API void ticker_reset(chan_core* t, std::chrono::nanoseconds d);

// How to call what lies at `storage`, and how to destroy it.
struct timer_function {
  void (*call)(void* storage) = nullptr;
  void (*destroy)(void* storage) noexcept = nullptr;
};
// A timer that is being made, with one reference, and closure_bytes for what it will call.
struct new_timer {
  chan_core* core;
  void* storage;
};
// The return address becomes the spawn site of its fibers. Throws std::bad_alloc.
GOSSAMER_API new_timer timer_begin();
// What f tells of lies in the timer's storage from here on, and is the timer's. Throws std::bad_alloc.
GOSSAMER_API void timer_start(chan_core* t, const timer_function& f, std::chrono::nanoseconds d);

template <class F>
struct timer_closure {
  static constexpr bool in_place = sizeof(F) <= closure_bytes && alignof(F) <= closure_align;

  template <class G>
  static void make(void* storage, G&& f) {
    if constexpr (in_place) {
      ::new (storage) F(std::forward<G>(f));
    } else {
      ::new (storage) F*(new F(std::forward<G>(f)));
    }
  }
  static F& at(void* storage) noexcept {
    if constexpr (in_place) {
      return *static_cast<F*>(storage);
    } else {
      return **static_cast<F**>(storage);
    }
  }
  static void call(void* storage) { detail::invoke(at(storage)); }
  static void destroy(void* storage) noexcept {
    if constexpr (in_place) {
      at(storage).~F();
    } else {
      delete detail::address_of(at(storage));
    }
  }
};

}  // namespace detail

namespace time {

// Parks the fiber (blocks the thread) for at least d. If d <= 0 it returns at once, unless the fiber has run for 10 ms
// and others wait. Never returns early.
template <class Rep, class Period>
void sleep(std::chrono::duration<Rep, Period> d, std::source_location where = std::source_location::current()) {
  detail::sleep(detail::saturated_nanoseconds(d), where);
}
// The same until tp.
template <class Clock, class Duration>
void sleep_until(std::chrono::time_point<Clock, Duration> tp,
                 std::source_location where = std::source_location::current()) {
  detail::sleep(detail::to_deadline(tp), wait::stop(), where);
}

// The same, unless s is set or has been: true if the whole time was slept, false at once if it was not. Where the time
// has come already: true.
template <class Rep, class Period>
bool sleep_for(std::chrono::duration<Rep, Period> d, wait::stop s,
               std::source_location where = std::source_location::current()) {
  return detail::sleep(detail::after(detail::time_now(), detail::saturated_nanoseconds(d)), s, where);
}
template <class Clock, class Duration>
bool sleep_until(std::chrono::time_point<Clock, Duration> tp, wait::stop s,
                 std::source_location where = std::source_location::current()) {
  return detail::sleep(detail::to_deadline(tp), s, where);
}

// timer: sends the time once, when d has passed; or, from after_func(), calls its function.
class timer {
 public:
  // What the time is sent on. nil for a timer of after_func().
  recv_chan<time_point> c;

  constexpr timer() noexcept = default;
  constexpr timer(std::nullptr_t) noexcept {}
  // Starts a timer for d; where d <= 0 the time is there already. A maximal d never comes.
  template <class Rep, class Period>
  explicit timer(std::chrono::duration<Rep, Period> d) : timer(detail::timer_make(detail::saturated_nanoseconds(d))) {}

  // From here on it does not fire. True if that is due to this call: it was running, or had sent a time that nobody has
  // received and nobody will. For after_func(): false if the function has been started; it may still run.
  // Panics with `time: Stop called on uninitialized Timer`.
  bool stop() const { return detail::timer_stop(core_.core()); }

  // As stop(), and starts it again for d. Returns what stop() would have.
  // Panics with `time: Reset called on uninitialized Timer`. Throws std::bad_alloc, and leaves it stopped.
  template <class Rep, class Period>
  bool reset(std::chrono::duration<Rep, Period> d) const {
    return detail::timer_reset(core_.core(), detail::saturated_nanoseconds(d));
  }

  explicit operator bool() const noexcept { return core_.core() != nullptr; }
  friend bool operator==(const timer& a, const timer& b) noexcept { return a.core_.core() == b.core_.core(); }
  friend bool operator==(const timer& t, std::nullptr_t) noexcept { return t.core_.core() == nullptr; }

 private:
  template <class Rep, class Period, class F>
    requires std::is_invocable_v<std::decay_t<F>&>
  friend timer after_func(std::chrono::duration<Rep, Period> d, F&& f);
  struct calling {};
  timer(calling, detail::chan_core* t) noexcept : core_(t) {}
  explicit timer(detail::chan_core* t) noexcept : c(detail::access::receiving<time_point>(t)), core_(t) {}

  detail::chan_reference core_;
};

// ticker: sends the time every d. A tick that finds the one before it still unread is dropped. Each tick's time is
// later than that of the one before, whichever worker fires it.
class ticker {
 public:
  recv_chan<time_point> c;

  constexpr ticker() noexcept = default;
  constexpr ticker(std::nullptr_t) noexcept {}
  // Panics with `non-positive interval for NewTicker`.
  template <class Rep, class Period>
  explicit ticker(std::chrono::duration<Rep, Period> d)
      : ticker(detail::ticker_make(detail::saturated_nanoseconds(d))) {}

  // No more ticks. The channel is not closed: a receiver waits on.
  void stop() const noexcept { detail::ticker_stop(core_.core()); }

  // Drops a tick that is unread; the next comes d from now. Panics with `non-positive interval for Ticker.Reset` or
  // `time: Reset called on uninitialized Ticker`. Throws std::bad_alloc, and leaves it stopped.
  template <class Rep, class Period>
  void reset(std::chrono::duration<Rep, Period> d) const {
    detail::ticker_reset(core_.core(), detail::saturated_nanoseconds(d));
  }

  explicit operator bool() const noexcept { return core_.core() != nullptr; }
  friend bool operator==(const ticker& a, const ticker& b) noexcept { return a.core_.core() == b.core_.core(); }
  friend bool operator==(const ticker& t, std::nullptr_t) noexcept { return t.core_.core() == nullptr; }

 private:
  explicit ticker(detail::chan_core* t) noexcept : c(detail::access::receiving<time_point>(t)), core_(t) {}

  detail::chan_reference core_;
};

// time.NewTimer, time.NewTicker.
template <class Rep, class Period>
[[nodiscard]] timer new_timer(std::chrono::duration<Rep, Period> d) {
  return timer(d);
}
template <class Rep, class Period>
[[nodiscard]] ticker new_ticker(std::chrono::duration<Rep, Period> d) {
  return ticker(d);
}

// The channel of a timer of its own, on which the time is sent once d has passed.
template <class Rep, class Period>
[[nodiscard]] recv_chan<time_point> after(std::chrono::duration<Rep, Period> d) {
  return timer(d).c;
}

// The channel of a ticker of its own; nil if d <= 0.
template <class Rep, class Period>
[[nodiscard]] recv_chan<time_point> tick(std::chrono::duration<Rep, Period> d) {
  return d.count() > 0 ? ticker(d).c : recv_chan<time_point>();
}

// Once d has passed, calls f() in a fiber of its own; again each time that the timer was reset. f is copied (or moved)
// now; it lives as long as a handle to the timer does, or the timer is running, or f is. An empty std::function or a
// null pointer is fatal: `go of nil func value`. Throws std::bad_alloc. The call happens-before f runs.
template <class Rep, class Period, class F>
  requires std::is_invocable_v<std::decay_t<F>&>
[[gnu::always_inline]] inline timer after_func(std::chrono::duration<Rep, Period> d, F&& f) {
  using closure = detail::timer_closure<std::decay_t<F>>;
  if (detail::is_nil_function(f)) {
    detail::fatal_nil_function();
  }
  const detail::new_timer made = detail::timer_begin();
  timer t(timer::calling(), made.core);
  closure::make(made.storage, std::forward<F>(f));
  detail::timer_start(made.core, {&closure::call, &closure::destroy}, detail::saturated_nanoseconds(d));
  return t;
}

// Do not fit.
template <class Rep, class Period, class F>
  requires(!std::is_invocable_v<std::decay_t<F>&>)
void after_func(std::chrono::duration<Rep, Period>, F&&) {
  detail::check_called<F>();
}
template <class N>
  requires std::is_arithmetic_v<N>
void sleep(N) {
  detail::check_duration<N>();
}
template <class N>
  requires std::is_arithmetic_v<N>
recv_chan<time_point> after(N) {
  detail::check_duration<N>();
  return {};
}

}  // namespace time

}  // namespace gossamer::inline v0
