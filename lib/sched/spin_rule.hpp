// spin_rule: whether a worker that has nothing to run looks for a moment before it lets its thread sleep. Waking a
// sleeping thread costs its waker up to 10 us, so looking pays where what comes next comes soon: one request after the
// other on one connection, a fiber and a plain thread that talk to each other.
//
// Looking does not pay where much has run since the last wait: then whoever asks has others to go on with, and what
// comes next comes in heaps.
//
// A wait is worth it only if the last one was short; and after looking in vain, more and more short waits go by until
// it is tried again. So an idle process does not look at all, and one whose waits are just too long does so rarely.
//
// Looking at the poller is a system call. So it begins shortly before what has come so far would have come, and goes on
// in steps.
#pragma once

#include <algorithm>
#include <cstdint>

#include "gossamer/detail/deadline.hpp"

namespace gossamer::inline v0::sched {

class spin_rule {
 public:
  // How long it looks, in ns: a request and its answer on one connection take some 15 us.
  static constexpr detail::deadline spin_for = 20'000;
  // Between two looks at the poller, in ns.
  static constexpr detail::deadline look_every = 2'000;

  // Asked once a wait; `ran`: how many fibers have run since the last one.
  bool should_spin(std::uint32_t ran) noexcept {
    if (!last_was_short_ || ran > dialogue) {
      return false;
    }
    if (pass_ > 0) {
      --pass_;
      return false;
    }
    return true;
  }

  // When the poller is looked at first, in ns after the beginning of a wait.
  detail::deadline first_look() const noexcept { return usual_ - usual_ / 4; }

  // Each wait, when it is over: how long it was; whether it was spun for, and ended thereby.
  void waited(detail::deadline took, bool spun, bool found) noexcept {
    last_was_short_ = took < short_wait;
    if (spun && found) {
      usual_ = (3 * usual_ + std::min(took, spin_for)) / 4;
    }
    if (spun) {
      failures_ = found ? 0 : std::min<std::uint32_t>(2 * failures_ + 1, most_passed);
      pass_ = failures_;
    }
  }

 private:
  static constexpr std::uint32_t dialogue = 4;
  // What a wait of spin_for may take when the thread sleeps through it, and is woken.
  static constexpr detail::deadline short_wait = 100'000;
  static constexpr std::uint32_t most_passed = 255;

  bool last_was_short_ = false;
  detail::deadline usual_ = 0;  // how long waits are that looking ends
  std::uint32_t pass_ = 0;      // so many short waits are let pass
  std::uint32_t failures_ = 0;  // 2^n - 1 after n of them in a row
};

}  // namespace gossamer::inline v0::sched
