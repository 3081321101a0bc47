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

void reservation::cancel_at(time_point now) const {
  if (!ok_) {
    return;
  }
  const std::scoped_lock lock(of_->mu_);
  if (of_->limit_ == inf || tokens_ == 0 || act_ < now) {
    return;
  }
  // Those that were reserved between this one's time and the last one's are not given back.
  const double restored = tokens_ - tokens_of(limit_, between(of_->last_event_, act_));
  if (restored <= 0) {
    return;
  }
  of_->advance(now);
  of_->tokens_ = std::min(of_->tokens_ + restored, static_cast<double>(of_->burst_));
  if (act_ == of_->last_event_) {
    const time_point before = act_ - duration_of(limit_, tokens_);
    if (before >= now) {
      of_->last_event_ = before;
    }
  }
}

limit limiter::limit() const {
  const std::scoped_lock lock(mu_);
  return limit_;
}
int limiter::burst() const {
  const std::scoped_lock lock(mu_);
  return burst_;
}
double limiter::tokens_at(time_point now) const {
  const std::scoped_lock lock(mu_);
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
  last_ = now;
  begun_ = true;
}

bool limiter::allow_n_at(time_point now, int n) { return reserve_within(now, n, duration(0)).ok(); }

reservation limiter::reserve_within(time_point now, int n, duration longest) {
  reservation r;
  r.of_ = this;
  const std::scoped_lock lock(mu_);
  if (limit_ == inf) {
    r.ok_ = true;
    r.tokens_ = n;
    r.act_ = now;
    return r;
  }
  const double left = tokens_by(now) - n;
  const duration wait = left < 0 ? duration_of(limit_, -left) : duration(0);
  r.limit_ = limit_;
  if (n > burst_ || wait > longest || wait == inf_duration) {
    return r;
  }
  r.ok_ = true;
  r.tokens_ = n;
  r.act_ = later(now, wait);
  tokens_ = left;
  last_ = now;
  begun_ = true;
  last_event_ = r.act_;
  return r;
}

error limiter::wait_n(const context::context& ctx, int n, std::source_location where) {
  {
    const std::scoped_lock lock(mu_);
    if (n > burst_ && limit_ != inf) {
      return errors::make("rate: Wait(n=", n, ") exceeds limiter's burst ", burst_);
    }
  }
  if (error err = ctx.err()) {
    return err;
  }
  const time_point now = time::now();
  const auto end = ctx.deadline();
  const reservation r = reserve_within(now, n, end ? between(*end, now) : inf_duration);
  if (!r.ok()) {
    return errors::make("rate: Wait(n=", n, ") would exceed context deadline");
  }
  if (r.delay_from(now).count() == 0 || time::sleep_until(r.act_, ctx, where)) {
    return nullptr;
  }
  r.cancel();
  return ctx.err();
}

void limiter::set_limit_at(time_point now, rate::limit r) {
  const std::scoped_lock lock(mu_);
  advance(now);
  limit_ = r;
}

void limiter::set_burst_at(time_point now, int burst) {
  const std::scoped_lock lock(mu_);
  advance(now);
  burst_ = burst;
}

}  // namespace gossamer::inline v0::rate
