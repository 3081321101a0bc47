// idle_set: the workers that have nothing to run, and who of them keeps watch.
//
// At most one idle worker has the watch. While some worker runs it is the lookout: it sleeps in short steps and takes
// whatever has waited for a whole step. When all are idle it stops stepping after a while and sleeps until the earliest
// timer. The others sleep until they are woken.
//
// A second idle worker stands by: while timers are armed it sleeps until a moment after the earliest of them. So when
// the worker that has the watch leaves to run what a timer has readied, which is mostly done at once, nobody need be
// woken to look after it: if it is not done, the one that stands by takes the watch.
//
// The steps of going idle (checked in test/model/idle.pml):
//   I1  a worker that finds nothing enters the set, and takes the watch if it is free;
//   I2  then it looks once more at everything that others may have pushed;
//   I3  if it finds something it leaves the set, unless somebody has taken it out already;
//   I4  otherwise it sleeps on its own word;
//   I5  with the watch, it looks at each step, and leaves the set to take what waits;
//   I6  when all are idle for long it stops stepping, does I2 again, and sleeps until the earliest timer or for good;
//   I7  a worker that comes out of the idle path and has found something to run wakes another if nobody watches.
// A worker that pushes to its own queue reads the state without a fence: it runs what it pushed itself, if nobody else
// does, and a worker that enters the set while another runs finds the watch free or kept. A push from outside goes
// through the global queue, with a full fence between the push and the look at the state.
#pragma once

#include <array>
#include <atomic>
#include <cassert>
#include <chrono>
#include <cstdint>
#include <mutex>

#include "base/knob.hpp"
#include "gossamer/detail/deadline.hpp"
#include "gossamer/detail/spin_lock.hpp"

namespace gossamer::inline v0::sched {

class idle_set {
 public:
  static constexpr int nobody = -1;

  constexpr idle_set() noexcept = default;

  // I1. Returns true if the worker has the watch.
  bool enter(int worker) noexcept {
    const std::scoped_lock hold(guard_);
    at(count_++) = static_cast<std::uint16_t>(worker);
    if (watch_ == nobody) {
      watch_ = worker;
      watching_ = true;
    }
    publish();
    return watch_ == worker;
  }

  // What an idle worker that came without the watch may do: take it after all, if it is free; stand by until `until`;
  // or sleep until it is woken (also if it has been taken out already).
  enum class post { none, second, watch };
  post take_post(int worker, detail::deadline until) noexcept {
    const std::scoped_lock hold(guard_);
    if (!contains(worker)) {
      return post::none;
    }
    if (watch_ == nobody) {
      watch_ = worker;
      second_ = second_ == worker ? nobody : second_;
      watching_ = true;
      publish();
      return post::watch;
    }
    if (watch_ == worker || (second_ != nobody && second_ != worker)) {
      return post::none;
    }
    second_ = worker;
    second_until_ = until;
    check_invariants();
    return post::second;
  }

  // I3: the worker takes itself out. False if somebody has done it before (and wakes it).
  bool leave(int worker) noexcept {
    const std::scoped_lock hold(guard_);
    return take_out(worker);
  }

  // Takes out a worker for the caller to wake; nobody if all are busy. The one that has the watch comes last while it
  // steps; but first when it does not: another would come back, find the watch taken, and nobody would look. One that
  // spins comes before the others, since its thread need not be woken.
  int take_any() noexcept {
    const std::scoped_lock hold(guard_);
    if (count_ == 0) {
      return nobody;
    }
    int chosen = at(count_ - 1);
    if (watch_ != nobody && !watching_) {
      chosen = watch_;
    } else if (spinner_ != nobody) {
      chosen = spinner_;
    } else if (chosen == watch_ && count_ > 1) {
      chosen = at(count_ - 2);
    }
    take_out(chosen);
    return chosen;
  }

  // The watch stops stepping, because all `active` workers are idle; or is refused to, because one of them runs. From
  // now on a push must wake somebody.
  bool stop_stepping(int active) noexcept {
    const std::scoped_lock hold(guard_);
    if (count_ < active) {
      return false;
    }
    watching_ = false;
    publish();
    return true;
  }
  // It steps again, if it has not been taken out.
  void go_on_stepping(int worker) noexcept {
    const std::scoped_lock hold(guard_);
    if (watch_ == worker) {
      watching_ = true;
      publish();
    }
  }

  // An idle worker begins to look at its word without sleeping: false if another does, or if it has been taken out.
  bool begin_spinning(int worker) noexcept {
    const std::scoped_lock hold(guard_);
    if (spinner_ != nobody || !contains(worker)) {
      return false;
    }
    spinner_ = worker;
    check_invariants();
    return true;
  }
  void end_spinning(int worker) noexcept {
    const std::scoped_lock hold(guard_);
    spinner_ = spinner_ == worker ? nobody : spinner_;
  }

  int count() noexcept {
    const std::scoped_lock hold(guard_);
    return count_;
  }

  // Changes with every worker that enters or leaves.
  std::uint32_t version() noexcept {
    const std::scoped_lock hold(guard_);
    return version_;
  }

  // By the monitor: how many more (or fewer) workers a fiber is locked to. They are not in the set.
  void count_pinned(int change) noexcept {
    const std::scoped_lock hold(guard_);
    pinned_ += change;
    publish();
  }

  // What a worker that pushes has to know, in one relaxed load: see the head of the file.
  static constexpr std::uint32_t somebody_idle = 1;
  static constexpr std::uint32_t lookout_active = 2;  // and no worker is pinned: a push can be left to the lookout
  static constexpr std::uint32_t watched = 4;
  static constexpr std::uint32_t some_pinned = 8;
  static constexpr unsigned flag_bits = 4;
  std::uint32_t state() const noexcept { return state_.load(std::memory_order_relaxed); }
  // Somebody is idle, and nobody will look. relaxed: a hint.
  bool unwatched() const noexcept { return (state() & (somebody_idle | watched)) == somebody_idle; }
  // How many are idle, as a hint: relaxed.
  int about() const noexcept { return static_cast<int>(state() >> flag_bits); }
  // For pushes from outside. seq_cst, after the push: with the seq_cst store in publish(), either this sees the idle
  // worker or the idle worker's second look (I2) sees the push.
  bool somebody() const noexcept { return (state_.load() & somebody_idle) != 0; }

 private:
  std::uint16_t& at(int i) noexcept { return idle_[static_cast<std::size_t>(i)]; }
  bool contains(int worker) noexcept {
    for (int i = 0; i < count_; ++i) {
      if (at(i) == worker) {
        return true;
      }
    }
    return false;
  }
  bool take_out(int worker) noexcept {
    for (int i = 0; i < count_; ++i) {
      if (at(i) == worker) {
        at(i) = at(--count_);
        spinner_ = spinner_ == worker ? nobody : spinner_;
        if (second_ == worker) {
          second_ = nobody;
          watching_ = watching_ && watch_ != nobody;
        }
        if (watch_ == worker) {
          watch_ = nobody;
          watching_ = second_ != nobody && second_until_ <= detail::after(detail::now(), soon);
        }
        publish();
        return true;
      }
    }
    return false;
  }
  // What stands beside the fields. Under guard_, after each change.
  void check_invariants() noexcept {
    assert(count_ >= 0 && static_cast<std::size_t>(count_) <= idle_.size());
    assert(watch_ == nobody || contains(watch_));
    assert(second_ == nobody || (second_ != watch_ && contains(second_)));
    assert(spinner_ == nobody || contains(spinner_));
    assert(!watching_ || watch_ != nobody || second_ != nobody);
    assert(pinned_ >= 0);
  }
  void publish() noexcept {
    check_invariants();
    ++version_;
    // seq_cst: see somebody().
    state_.store((count_ > 0 ? somebody_idle : 0) | (watching_ && pinned_ == 0 ? lookout_active : 0) |
                 (watching_ ? watched : 0) | (pinned_ > 0 ? some_pinned : 0) |
                 (static_cast<std::uint32_t>(count_) << flag_bits));
  }

  static constexpr std::chrono::nanoseconds soon{800'000};

  std::atomic<std::uint32_t> state_{0};
  detail::spin_lock guard_;
  // Guarded by guard_: watch_ and second_ are different ones of idle_[0, count_), or nobody. watching_: one of them
  // will look at what waits within a millisecond.
  int count_ = 0;
  std::uint32_t version_ = 0;
  int watch_ = nobody;
  int second_ = nobody;
  detail::deadline second_until_ = 0;
  bool watching_ = false;
  int spinner_ = nobody;  // one of idle_[0, count_)
  int pinned_ = 0;
  std::array<std::uint16_t, base::default_threads> idle_{};
};

}  // namespace gossamer::inline v0::sched
