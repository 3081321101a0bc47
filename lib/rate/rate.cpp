// rate: see gossamer/rate.hpp.
// Source: golang.org/x/time/rate.
#include "gossamer/rate.hpp"

#include <algorithm>
#include <chrono>

#include "gossamer/errors.hpp"

namespace gossamer::inline v0::rate {

namespace {

using time::duration;
using time::time_point;

// a - b and a + d, held at the largest where they do not fit.
duration between(time_point a, time_point b) noexcept {
  duration::rep n = 0;
  if (__builtin_sub_overflow(a.time_since_epoch().count(), b.time_since_epoch().count(), &n)) {
    return a > b ? duration::max() : duration::min();
  }
  return duration(n);
}
time_point later(time_point tp, duration d) noexcept {
  return time_point(duration(detail::after(tp.time_since_epoch().count(), d)));
}

// How long it takes for so many tokens to come. Whole nanoseconds, rounded down.
duration duration_of(limit r, double tokens) noexcept {
  if (r <= 0) {
    return inf_duration;
  }
  const double n = tokens / r * 1e9;
  // 2^63: the first that does not fit.
  return n < 9223372036854775808.0 ? duration(static_cast<duration::rep>(n)) : inf_duration;
}
double tokens_of(limit r, duration d) noexcept { return r <= 0 ? 0 : std::chrono::duration<double>(d).count() * r; }

}  // namespace

duration reservation::delay_from(time_point now) const noexcept {
  if (!ok_) {
    return inf_duration;
  }
  return std::max(between(act_, now), duration(0));
}

void reservation::cancel() const {
  if (ok_) {
    const detail::held lock(of_->mu_);
    of_->cancel(*this, time::now());
  }
}
void reservation::cancel_at(time_point now) const {
  if (ok_) {
    const detail::held lock(of_->mu_);
    of_->cancel(*this, now);
  }
}

void limiter::give_back(given_up& of, double tokens) noexcept {
  of.owed -= tokens;
  tokens_ = std::min(tokens_ + tokens, static_cast<double>(burst_));
}

void limiter::cancel(const reservation& r, time_point now) {
  advance(now);
  if (limit_ == inf || r.tokens_ == 0 || r.act_ < last_) {
    return;
  }
  cancelled_.erase(cancelled_.begin(), cancelled_.lower_bound({last_, 0}));
  const auto [mine, is_new] =
      cancelled_.try_emplace({r.act_, r.number_}, given_up{static_cast<double>(r.tokens_), r.before_});
  if (!is_new) {
    return;
  }
  // Those that were reserved between this one's time and the last one's are not given back yet.
  const double later_ones = tokens_of(r.limit_, std::max(between(last_event_, r.act_), duration(0)));
  if (later_ones < r.tokens_) {
    give_back(mine->second, r.tokens_ - later_ones);
  }
  // Nobody counts on what the last ones have given up. The time before is the one that was: one that is computed from
  // the tokens would be rounded otherwise.
  for (auto at = cancelled_.upper_bound({last_event_, ~std::uint64_t{0}}); at != cancelled_.begin();) {
    --at;
    if (at->first.first != last_event_) {
      break;
    }
    give_back(at->second, at->second.owed);
    if (at->second.before != last_event_) {
      last_event_ = at->second.before;
      at = cancelled_.upper_bound({last_event_, ~std::uint64_t{0}});
    }
  }
}

limit limiter::limit() const {
  const detail::held lock(mu_);
  return limit_;
}
int limiter::burst() const {
  const detail::held lock(mu_);
  return burst_;
}
double limiter::tokens() const {
  const detail::held lock(mu_);
  return tokens_by(time::now());
}
double limiter::tokens_at(time_point now) const {
  const detail::held lock(mu_);
  return tokens_by(now);
}

double limiter::tokens_by(time_point now) const noexcept {
  if (!begun_ || now <= last_) {
    return std::min(tokens_, static_cast<double>(burst_));
  }
  return std::min(tokens_ + tokens_of(limit_, between(now, last_)), static_cast<double>(burst_));
}

void limiter::advance(time_point now) noexcept {
  tokens_ = tokens_by(now);
  pass_to(now);
}

bool limiter::take(time_point now, int n) noexcept {
  if (limit_ == inf) {
    return true;
  }
  const double left = tokens_by(now) - n;
  // Where the rest of a token comes within the nanosecond it counts as there: what is asked for then is granted.
  if (n > burst_ || (left < 0 && (limit_ <= 0 || duration_of(limit_, -left) > duration(0)))) {
    return false;
  }
  tokens_ = left;
  pass_to(now);
  last_event_ = now;
  return true;
}

bool limiter::allow_n(int n) {
  const detail::held lock(mu_);
  return take(time::now(), n);
}
bool limiter::allow_n_at(time_point now, int n) {
  const detail::held lock(mu_);
  return take(now, n);
}
reservation limiter::reserve_n(int n) {
  const detail::held lock(mu_);
  return reserve_within(time::now(), n, inf_duration);
}
reservation limiter::reserve_n_at(time_point now, int n) {
  const detail::held lock(mu_);
  return reserve_within(now, n, inf_duration);
}

reservation limiter::reserve_within(time_point now, int n, duration longest) noexcept {
  reservation r;
  r.of_ = this;
  r.limit_ = limit_;
  r.tokens_ = n;
  r.act_ = now;
  if (limit_ == inf) {
    r.ok_ = true;
    return r;
  }
  const double left = tokens_by(now) - n;
  const duration wait = left < 0 ? duration_of(limit_, -left) : duration(0);
  if (n > burst_ || wait > longest || wait == inf_duration) {
    return r;
  }
  r.ok_ = true;
  r.act_ = later(now, wait);
  r.number_ = ++reservations_;
  r.before_ = last_event_;
  tokens_ = left;
  pass_to(now);
  last_event_ = r.act_;
  return r;
}

error limiter::wait_n(const context::context& ctx, int n, std::source_location where) {
  {
    const detail::held lock(mu_);
    if (n > burst_ && limit_ != inf) {
      return errors::make("rate: Wait(n=", n, ") exceeds limiter's burst ", burst_);
    }
  }
  if (error err = ctx.err()) {
    return err;
  }
  const auto end = ctx.deadline();
  time_point now;
  reservation r;
  {
    const detail::held lock(mu_);
    now = time::now();
    r = reserve_within(now, n, end ? between(*end, now) : inf_duration);
  }
  if (!r.ok()) {
    return errors::make("rate: Wait(n=", n, ") would exceed context deadline");
  }
  try {
    if (r.delay_from(now).count() == 0 || time::sleep_until(r.act_, ctx, where)) {
      return nullptr;
    }
  } catch (...) {  // it could not wait
    const detail::held lock(mu_);
    cancel(r, time::now());
    throw;
  }
  const detail::held lock(mu_);
  cancel(r, time::now());
  return ctx.err();
}

void limiter::set_limit(rate::limit r) {
  const detail::held lock(mu_);
  advance(time::now());
  limit_ = r;
}
void limiter::set_limit_at(time_point now, rate::limit r) {
  const detail::held lock(mu_);
  advance(now);
  limit_ = r;
}

void limiter::set_burst(int burst) {
  const detail::held lock(mu_);
  advance(time::now());
  burst_ = burst;
}
void limiter::set_burst_at(time_point now, int burst) {
  const detail::held lock(mu_);
  advance(now);
  burst_ = burst;
}

}  // namespace gossamer::inline v0::rate
