// thread_pin: the fiber that is locked to a worker's thread (runtime::lock_os_thread). It is in no queue: when it is to
// run its worker is called, on a word of its own.
#pragma once

#include <atomic>
#include <cassert>
#include <cstdint>
#include <limits>
#include <utility>

#include "base/futex.hpp"
#include "fiber/fiber.hpp"

namespace gossamer::inline v0::sched {

class thread_pin {
 public:
  thread_pin() noexcept = default;
  thread_pin(const thread_pin&) = delete;
  thread_pin& operator=(const thread_pin&) = delete;

  // -- by the worker --

  // Null: none.
  fiber* locked() const noexcept { return locked_; }
  bool is_locked() const noexcept { return locked_ != nullptr; }
  void lock(fiber& f) noexcept {
    assert(locked_ == nullptr && locks_ == 0);
    locked_ = &f;
    locks_ = 1;
  }
  // Locked once more; false if that is too often.
  bool lock_again() noexcept {
    assert(locked_ != nullptr && locks_ > 0);
    if (locks_ == std::numeric_limits<std::uint32_t>::max()) {
      return false;
    }
    ++locks_;
    return true;
  }
  // True if the fiber is not to be locked any more: the caller calls release().
  bool unlock() noexcept { return locked_ != nullptr && --locks_ == 0; }
  fiber* release() noexcept {
    locks_ = 0;
    return std::exchange(locked_, nullptr);
  }
  // All workers stand still, and the fiber is abandoned.
  void forget() noexcept {
    release();
    word_.store(0, std::memory_order_relaxed);
  }
  // It has been called, and says so no longer. seq_cst: after it got up; see is_called().
  void answer() noexcept { word_.store(0); }
  // seq_cst: before the look at `attention`; see nudge().
  void take_nudge() noexcept {
    std::uint32_t seen = nudged;
    word_.compare_exchange_strong(seen, 0);
  }
  // Until it is called or nudged, or the time has come; may return early.
  void sleep(detail::deadline until) noexcept { base::futex_wait(word_, 0, until); }

  // -- from anywhere --

  // The fiber is to run. release: pairs with the acquire in is_called(); the fiber is seen as it was left.
  void call() noexcept {
    word_.store(called, std::memory_order_release);
    base::futex_wake(word_);
  }
  // It looks at `attention`, which was set before, if it waits for its fiber.
  void nudge() noexcept {
    std::uint32_t nothing = 0;
    if (word_.compare_exchange_strong(nothing, nudged)) {  // seq_cst: after `attention`; see take_nudge()
      base::futex_wake(word_);
    }
  }
  // acquire: pairs with the release in call(). By others it is read before sleeper::is_asleep(), and pairs with
  // answer(), when it has got up.
  bool is_called() const noexcept { return word_.load(std::memory_order_acquire) == called; }

 private:
  static constexpr std::uint32_t called = 1;
  static constexpr std::uint32_t nudged = 2;

  fiber* locked_ = nullptr;
  std::uint32_t locks_ = 0;  // how often; 0 exactly if locked_ is null
  base::futex_word word_{0};
};

}  // namespace gossamer::inline v0::sched
