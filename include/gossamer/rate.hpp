// rate: how often something may happen: a token bucket, and calls that are made only sometimes.
// Source: golang.org/x/time/rate. Differs: times are points of the monotonic clock; a reservation that could never be
// served (limit 0, no tokens) is not ok; time that goes backwards adds nothing, and no cancel gives back more than was
// taken.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <source_location>
#include <utility>

#include "context.hpp"
#include "detail/chrono.hpp"
#include "detail/config.hpp"
#include "detail/deadline.hpp"
#include "detail/invoke.hpp"
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

// The permission to act later. A value; refers to its limiter.
class GOSSAMER_API reservation {
 public:
  // Whether there will be such a time at all.
  bool ok() const noexcept { return ok_; }
  // How long to wait before acting; 0: act now. inf_duration if it is not ok.
  time::duration delay() const noexcept { return delay_from(time::now()); }
  time::duration delay_from(time::time_point now) const noexcept;
  // The act will not be done: its tokens are given back; those that later reservations count on as soon as these are
  // cancelled, too. So where all are cancelled before their time all tokens are back. Does nothing once the time to act
  // has come, nor the second time, of a copy too. Throws std::bad_alloc, and has done nothing then.
  void cancel() const;
  void cancel_at(time::time_point now) const;

 private:
  friend class limiter;
  bool ok_ = false;
  limiter* of_ = nullptr;
  int tokens_ = 0;
  time::time_point act_{};
  limit limit_ = 0;            // at the time of the reservation
  std::uint64_t number_ = 0;   // among its limiter's
  time::time_point before_{};  // the latest time to act before it was made
};

// limiter: a bucket of `burst` tokens, full at first, that fills up at `limit` tokens a second; each event takes one.
// Three ways to ask: allow() says no if there are not enough, reserve() says how long to wait, wait() waits. Fixed in
// its place. From a fiber or a plain thread, and several at once. The forms that take a time believe it, but a
// limiter's time never goes back: at an earlier one than it has been given before there are the tokens of that one.
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
  double tokens() const;
  double tokens_at(time::time_point now) const;

  // Takes n tokens if there are as many; true if it did.
  [[nodiscard]] bool allow() { return allow_n(1); }
  [[nodiscard]] bool allow_n(int n);
  [[nodiscard]] bool allow_n_at(time::time_point now, int n);

  // Takes n tokens, though they may have to come first. Not ok, and nothing is changed, where n is more than the burst.
  [[nodiscard]] reservation reserve() { return reserve_n(1); }
  [[nodiscard]] reservation reserve_n(int n);
  [[nodiscard]] reservation reserve_n_at(time::time_point now, int n);

  // Blocks until n tokens are taken (nil). Returns at once, and takes nothing, with ctx.err(), or `rate: Wait(n=N)
  // exceeds limiter's burst B`, or `rate: Wait(n=N) would exceed context deadline` if the tokens would come too late.
  // If ctx is cancelled meanwhile the tokens are given back as by cancel().
  error wait(const context::context& ctx, std::source_location where = std::source_location::current()) {
    return wait_n(ctx, 1, where);
  }
  error wait_n(const context::context& ctx, int n, std::source_location where = std::source_location::current());

  // From now on. What is reserved already is not changed.
  void set_limit(rate::limit r);
  void set_limit_at(time::time_point now, rate::limit r);
  void set_burst(int burst);
  void set_burst_at(time::time_point now, int burst);

 private:
  friend class reservation;
  // A reservation that was cancelled.
  struct given_up {
    double owed = 0;  // tokens that later reservations count on
    time::time_point before{};
  };

  // Under mu_, as is the clock read for it: else one who is late would bring an old time.
  double tokens_by(time::time_point now) const noexcept;
  void advance(time::time_point now) noexcept;
  void pass_to(time::time_point now) noexcept {  // it does not go back
    last_ = begun_ && now < last_ ? last_ : now;
    begun_ = true;
  }
  bool take(time::time_point now, int n) noexcept;
  reservation reserve_within(time::time_point now, int n, time::duration longest) noexcept;
  void cancel(const reservation& r, time::time_point now);
  void give_back(given_up& of, double tokens) noexcept;

  mutable sync::mutex mu_;
  // Guarded by mu_.
  rate::limit limit_ = 0;
  int burst_ = 0;
  bool begun_ = false;  // last_ is a time
  double tokens_ = 0;   // at last_
  time::time_point last_{};
  time::time_point last_event_{};  // the latest time to act, past or to come
  std::uint64_t reservations_ = 0;
  // Those whose time is to come, by that and their number.
  std::map<std::pair<time::time_point, std::uint64_t>, given_up> cancelled_{};
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
    const detail::held lock(state.mu_);
    if (state.count_ == 0 || state.count_ < first || (every > 0 && state.count_ % every == 0) ||
        (interval.count() > 0 && detail::saturated_distance(state.last_, now()) >= interval)) {
      detail::invoke(std::forward<F>(f));
      if (interval.count() > 0) {
        state.last_ = now();
      }
    }
    ++state.count_;
  }

  sometimes_state state{};
};

}  // namespace gossamer::inline v0::rate
