// rate: how often something may happen: a token bucket, and calls that are made only sometimes.
// Source: golang.org/x/time/rate. Differs: times are points of the monotonic clock; a reservation that could never be
// served (limit 0, no tokens) is not ok.
#pragma once

#include <chrono>
#include <concepts>
#include <functional>
#include <limits>
#include <mutex>
#include <source_location>
#include <utility>

#include "context.hpp"
#include "detail/config.hpp"
#include "detail/deadline.hpp"
#include "error.hpp"
#include "sync/mutex.hpp"
#include "time.hpp"

namespace gossamer::inline v0::rate {

// Events a second.
using limit = double;
// All events are allowed, whatever the burst.
inline constexpr limit inf = std::numeric_limits<double>::max();
// One event every d; inf if d <= 0.
template <class Rep, class Period>
constexpr limit every(std::chrono::duration<Rep, Period> d) noexcept {
  return d.count() <= 0 ? inf : 1 / std::chrono::duration<double>(d).count();
}

// What delay() says of a reservation that is not ok.
inline constexpr time::duration inf_duration = time::duration::max();

class limiter;

// The permission to act later. A value; refers to its limiter.
class GOSSAMER_API reservation {
 public:
  // Whether there will be such a time at all.
  bool ok() const noexcept { return ok_; }
  // How long to wait before acting; 0: act now. inf_duration if it is not ok.
  time::duration delay() const noexcept { return delay_from(time::now()); }
  time::duration delay_from(time::time_point now) const noexcept;
  // The act will not be done: its tokens are given back, but for those that later reservations count on. Does nothing
  // once the time to act has come.
  void cancel() const { cancel_at(time::now()); }
  void cancel_at(time::time_point now) const;

 private:
  friend class limiter;
  bool ok_ = false;
  limiter* of_ = nullptr;
  int tokens_ = 0;
  time::time_point act_{};
  limit limit_ = 0;  // at the time of the reservation
};

// limiter: a bucket of `burst` tokens, full at first, that fills up at `limit` tokens a second; each event takes one.
// Three ways to ask: allow() says no if there are not enough, reserve() says how long to wait, wait() waits. Fixed in
// its place. From a fiber or a plain thread, and several at once. The forms that take a time believe it; time that goes
// backwards adds nothing.
class GOSSAMER_API limiter {
 public:
  // Allows nothing.
  limiter() noexcept = default;
  // Source: Go's NewLimiter.
  limiter(rate::limit r, int burst) noexcept : limit_(r), burst_(burst), tokens_(burst) {}
  limiter(const limiter&) = delete;
  limiter& operator=(const limiter&) = delete;

  rate::limit limit() const;
  int burst() const;
  // How many tokens there are; negative: they are reserved.
  double tokens() const { return tokens_at(time::now()); }
  double tokens_at(time::time_point now) const;

  // Takes n tokens if there are as many; true if it did.
  [[nodiscard]] bool allow() { return allow_n(1); }
  [[nodiscard]] bool allow_n(int n) { return allow_n_at(time::now(), n); }
  [[nodiscard]] bool allow_n_at(time::time_point now, int n);

  // Takes n tokens, though they may have to come first. Not ok, and nothing is changed, where n is more than the burst.
  [[nodiscard]] reservation reserve() { return reserve_n(1); }
  [[nodiscard]] reservation reserve_n(int n) { return reserve_n_at(time::now(), n); }
  [[nodiscard]] reservation reserve_n_at(time::time_point now, int n) { return reserve_within(now, n, inf_duration); }

  // Blocks until n tokens are taken (nil). Returns at once, and takes nothing, with ctx.err(), or `rate: Wait(n=N)
  // exceeds limiter's burst B`, or `rate: Wait(n=N) would exceed context deadline` if the tokens would come too late.
  // If ctx is cancelled meanwhile the tokens are given back as by cancel().
  error wait(const context::context& ctx, std::source_location where = std::source_location::current()) {
    return wait_n(ctx, 1, where);
  }
  error wait_n(const context::context& ctx, int n, std::source_location where = std::source_location::current());

  // From now on. What is reserved already is not changed.
  void set_limit(rate::limit r) { set_limit_at(time::now(), r); }
  void set_limit_at(time::time_point now, rate::limit r);
  void set_burst(int burst) { set_burst_at(time::now(), burst); }
  void set_burst_at(time::time_point now, int burst);

 private:
  friend class reservation;
  reservation reserve_within(time::time_point now, int n, time::duration longest);
  double tokens_by(time::time_point now) const noexcept;
  void advance(time::time_point now) noexcept;

  mutable sync::mutex mu_;
  // Guarded by mu_.
  rate::limit limit_ = 0;
  int burst_ = 0;
  bool begun_ = false;  // last_ is a time
  double tokens_ = 0;   // at last_
  time::time_point last_{};
  time::time_point last_event_{};  // the latest time to act, past or to come
};

// For sometimes.
class sometimes_state {
 private:
  friend struct sometimes;
  sync::mutex mu_;
  // Guarded by mu_.
  long count_ = 0;  // of calls of do_()
  time::time_point last_{};
};

// sometimes: makes the first calls, every n-th one, and one if `interval` has passed since the last that was made;
// those of the three that are not 0 count, and the first call is always made. `rate::sometimes s{.first = 3, .interval
// = 10s};`
struct sometimes {
  int first = 0;
  int every = 0;
  time::duration interval{0};

  // Calls f, or does not. One at a time: others wait. f must not call do_() of the same.
  template <std::invocable F>
  void do_(F&& f) {
    do_at([] { return time::now(); }, std::forward<F>(f));
  }
  // The same at the time that now() gives. It is asked only if there is an interval.
  template <std::invocable Now, std::invocable F>
  void do_at(Now now, F&& f) {
    const std::scoped_lock lock(state.mu_);
    if (state.count_ == 0 || state.count_ < first || (every > 0 && state.count_ % every == 0) ||
        (interval.count() > 0 && now() - state.last_ >= interval)) {
      std::invoke(std::forward<F>(f));
      if (interval.count() > 0) {
        state.last_ = now();
      }
    }
    ++state.count_;
  }

  sometimes_state state{};
};

}  // namespace gossamer::inline v0::rate
