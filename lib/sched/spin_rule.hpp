// spin_rule: whether a worker that has nothing to run looks for a moment before it lets its thread sleep. Waking a
// sleeping thread costs its waker up to 10 us, so looking pays where what comes next comes soon: one request after the
// other on one connection, a fiber and a plain thread that talk to each other.
//
// So it is done in a dialogue: one fiber, and few others for it, ran before each of the last waits. Where the fibers
// change, as in a server of many connections, or much has run, whoever asks has others to go on with, and what comes
// next comes in heaps: while the thread sleeps they gather, and are paid for once.
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
  // How long it looks, in ns: what comes takes some 15 us where the peer's core is awake, and 40 where the peer has to
  // be woken by a hypervisor.
  static constexpr detail::deadline spin_for = 50'000;
  // Between two looks at the poller, in ns.
  static constexpr detail::deadline look_every = 2'000;

  // Asked once a wait; `ran`: how often a fiber has run since the last one; `last`: the last of them, which is not
  // looked at.
  bool should_spin(std::uint32_t ran, const void* last) noexcept {
    turns_ = last == last_ && ran <= most_runs ? std::min(turns_ + 1, dialogue) : 0;
    last_ = last;
    if (!last_was_short_ || turns_ < dialogue) {
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
  // A dialogue: so many waits in a row after the same fiber, and at most so many runs before each.
  static constexpr std::uint32_t dialogue = 3;
  static constexpr std::uint32_t most_runs = 4;
  // What a wait of spin_for may take when the thread sleeps through it, and is woken.
  static constexpr detail::deadline short_wait = 100'000;
  static constexpr std::uint32_t most_passed = 255;

  const void* last_ = nullptr;
  std::uint32_t turns_ = 0;  // up to `dialogue`
  bool last_was_short_ = false;
  detail::deadline usual_ = 0;  // how long waits are that looking ends
  std::uint32_t pass_ = 0;      // so many short waits are let pass
  std::uint32_t failures_ = 0;  // 2^n - 1 after n of them in a row
};

}  // namespace gossamer::inline v0::sched
