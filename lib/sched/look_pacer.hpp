// look_pacer: how often a worker that has fibers to run looks at what else there is: the timers, the poller, the global
// queue, its oldest unstarted fiber, those that somebody stands in for, and stacks that nobody uses.
//
// It looks every switches_per_look switches, or more often where its fibers run for long: about every look_interval.
// Nothing here reads a clock or knows another thread; times are the steady clock's, in ns.
//
// The ticks: while they are stopped none is left, so whoever leaves leaves to the worker's own stack, and a yield takes
// its slow path. They are stopped as long as a fiber is locked to the thread, in a no_suspend scope, and in a forked
// child.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <utility>

#include "gossamer/detail/deadline.hpp"

namespace gossamer::inline v0::sched {

class look_pacer {
 public:
  static constexpr std::uint32_t switches_per_look = 61;
  // A fiber that ran longer than this on average is worth another core at once.
  static constexpr detail::deadline long_run = 10'000;
  // A busy worker looks around at least so often, as far as its fibers let it.
  static constexpr detail::deadline look_interval = 1'000'000;
  // How often it looks after those that somebody stands in for: this long for each thread that it looks at.
  static constexpr detail::deadline relief_interval = 100'000;
  // The same for a look at a retired worker's timers, which costs some nanoseconds.
  static constexpr detail::deadline retired_interval = 5'000;
  // How often it gives back the stacks that nobody has used.
  static constexpr detail::deadline trim_interval = 500'000'000;

  // -- ticks --

  // Before a switch: false if the worker's own stack is to look first, or the ticks are stopped.
  bool tick() noexcept { return ticks_ != 0 && --ticks_ != 0; }
  std::uint32_t ticks_left() const noexcept { return ticks_; }
  bool is_due() const noexcept { return ticks_ == 0; }
  // By the worker's own stack, which now searches: two picks there cost one each, even if they find nothing.
  void start_ticks() noexcept { ticks_ = interval_ + 2; }
  void stop_ticks() noexcept { ticks_ = 0; }
  // So many ticks are left at most, of which the last goes to the worker's own stack, which looks around. Stopped ticks
  // stay so.
  void look_within(std::uint32_t ticks) noexcept {
    if (ticks_ > ticks) {
      left_out_ += ticks_ - ticks;
      ticks_ = ticks;
    }
  }
  // Stops the ticks for a scope; at its end they go on, unless they are to stay stopped.
  void suspend_ticks() noexcept { suspended_ = std::exchange(ticks_, 0); }
  void resume_ticks(bool stay_stopped) noexcept { ticks_ = stay_stopped ? 0 : suspended_; }

  // -- looks --

  // It looks around: adapts the interval to how long the fibers ran since the last time.
  void look(detail::deadline now) noexcept {
    const detail::deadline since = now - looked_at_;
    usual_run_ = since / (interval_ - std::min(std::exchange(left_out_, 0), interval_ - 1));
    if (since > look_interval || interval_ < switches_per_look) {
      interval_ = static_cast<std::uint32_t>(
          std::clamp<detail::deadline>(look_interval / (usual_run_ + 1), 1, switches_per_look));
    }
    assert(interval_ >= 1 && interval_ <= switches_per_look);
    looked_at_ = now;
    ++looks_;
  }
  // By the clock, though the ticks have not run out: they begin anew whenever the worker's own stack finds work, so
  // where fibers are due again as soon as all have parked they never run out.
  bool is_overdue(detail::deadline now) const noexcept { return now - looked_at_ > look_interval; }
  // It was idle, or waited for its locked fiber: that time was nobody's run.
  void restart(detail::deadline now) noexcept { looked_at_ = now; }
  // How long its recent fibers ran, on average.
  detail::deadline usual_run() const noexcept { return usual_run_; }
  bool has_long_runs() const noexcept { return usual_run_ >= long_run; }

  // Whose turn it is at this look, among those that otherwise might wait for ever.
  enum class turn : std::uint8_t { global_queue, starved_first, oldest_spawned };
  turn whose_turn() const noexcept {
    return looks_ % 2 == 0 ? turn::global_queue : looks_ % 4 == 1 ? turn::starved_first : turn::oldest_spawned;
  }

  // True once an interval.
  bool relief_is_due(detail::deadline now, int threads) noexcept {
    return has_passed(relieved_at_, now, relief_interval * threads);
  }
  bool retired_are_due(detail::deadline now, int workers) noexcept {
    return has_passed(retired_at_, now, retired_interval * workers);
  }
  bool trim_is_due(detail::deadline now) noexcept { return has_passed(trimmed_at_, now, trim_interval); }

 private:
  static bool has_passed(detail::deadline& last, detail::deadline now, detail::deadline interval) noexcept {
    if (now - last <= interval) {
      return false;
    }
    last = now;
    return true;
  }

  std::uint32_t ticks_ = switches_per_look;
  std::uint32_t interval_ = switches_per_look;  // 1 to switches_per_look: fewer where fibers run for long
  std::uint32_t suspended_ = 0;
  std::uint32_t left_out_ = 0;  // ticks, since the last look
  std::uint32_t looks_ = 0;
  detail::deadline looked_at_ = 0;
  detail::deadline usual_run_ = 0;
  detail::deadline relieved_at_ = 0;
  detail::deadline retired_at_ = 0;
  detail::deadline trimmed_at_ = 0;
};

}  // namespace gossamer::inline v0::sched
