// sleeper: how an idle worker's thread sleeps, on its own word or in the poller, and is woken; and what others may
// conclude from that. The steps I4 of idle_set.hpp and E2 to E4 of events.cpp (checked in test/model/idle.pml and
// poller.pml).
//
// Whoever has taken the worker out of the idle set wakes it, once: so there is at most one wake for each begin().
#pragma once

#include <atomic>
#include <cassert>
#include <cstdint>

#include "base/futex.hpp"
#include "gossamer/detail/deadline.hpp"

namespace gossamer::inline v0::sched {

class alignas(64) sleeper {
 public:
  sleeper() noexcept = default;
  sleeper(const sleeper&) = delete;
  sleeper& operator=(const sleeper&) = delete;

  // -- by the worker --

  // Before it enters the idle set. relaxed: nobody writes the word while the worker is not in the set.
  void begin() noexcept { word_.store(0, std::memory_order_relaxed); }
  // It has nothing, as far as others can see. release: pairs with is_asleep(); what it gave away before is seen.
  void mark_asleep() noexcept { asleep_.store(true, std::memory_order_release); }
  // It may have something again: before it leaves the idle set by itself, and before it says that it has been called or
  // has claimed nothing any more (scheduler::deadlocked()). release: so that it is not seen after these.
  void mark_awake() noexcept { asleep_.store(false, std::memory_order_release); }

  // Whether it has been woken. acquire: pairs with the store in wake().
  bool is_woken() const noexcept { return word_.load(std::memory_order_acquire) != 0; }
  // Once it has been woken. relaxed: published by the word.
  bool was_woken_to_search() const noexcept { return woken_to_search_.load(std::memory_order_relaxed); }
  // Sleeps until woken (true) or until the time has come (false).
  bool sleep_until(detail::deadline until) noexcept {
    while (!is_woken()) {
      if (until != detail::no_deadline && detail::now() >= until) {
        return false;
      }
      base::futex_wait(word_, 0, until);
    }
    return true;
  }

  // E2 and E3: it is about to wait in the poller; false if it has been woken, and must not wait.
  bool begin_polling() noexcept {
    count_poll();
    polling_.store(true);  // seq_cst, both: see wake()
    return word_.load() == 0;
  }
  // It asks the poller without waiting. relaxed: only the monitor asks.
  void begin_asking() noexcept {
    count_poll();
    polling_.store(true, std::memory_order_relaxed);
  }
  void end_polling() noexcept { polling_.store(false, std::memory_order_relaxed); }

  // While it lives the worker may have in hand, though it seems asleep, what the poller has claimed and what is in no
  // queue yet: it may have been taken out of the idle set, and another one have the watch, when it finds something.
  class in_hand {
   public:
    explicit in_hand(sleeper& of) noexcept : flag_(of.may_have_claimed_) {
      // relaxed: who sees, under the descriptor's guard, that nobody waits there any more, sees this.
      flag_.store(true, std::memory_order_relaxed);
    }
    in_hand(const in_hand&) = delete;
    in_hand& operator=(const in_hand&) = delete;
    // release: pairs with may_have_claimed(); after mark_awake(), if it found something.
    ~in_hand() { flag_.store(false, std::memory_order_release); }

   private:
    std::atomic<bool>& flag_;
  };

  // -- by any thread --

  // By whoever has taken the worker out of the idle set: it goes on. True if it may be in the poller, which the caller
  // then interrupts (E4).
  bool wake(bool to_search) noexcept {
    assert(!is_woken());                                           // see the head of the file
    woken_to_search_.store(to_search, std::memory_order_relaxed);  // relaxed: published by word_
    // seq_cst, both: either this sees that it polls, or it sees the word before it waits (begin_polling()). And the
    // word's store is the release that pairs with the acquires of the sleeper.
    word_.store(1);
    if (is_polling()) {
      return true;
    }
    base::futex_wake(word_);
    return false;
  }
  // acquire: pairs with mark_asleep().
  bool is_asleep() const noexcept { return asleep_.load(std::memory_order_acquire); }
  // The same as a hint. relaxed: nothing is concluded from it.
  bool seems_asleep() const noexcept { return asleep_.load(std::memory_order_relaxed); }
  // acquire: pairs with the release at the end of in_hand: by then it does not seem asleep any more.
  bool may_have_claimed() const noexcept { return may_have_claimed_.load(std::memory_order_acquire); }
  // Whether it asks the poller, which may run handlers of Asio's; and how often it has. seq_cst: see wake().
  bool is_polling() const noexcept { return polling_.load(); }
  std::uint32_t polls() const noexcept { return polls_.load(std::memory_order_relaxed); }  // relaxed: a count

 private:
  void count_poll() noexcept {
    polls_.store(polls_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);  // only the worker writes it
  }

  base::futex_word word_{0};  // 1: go on
  std::atomic<std::uint32_t> polls_{0};
  std::atomic<bool> woken_to_search_{false};
  std::atomic<bool> polling_{false};
  std::atomic<bool> may_have_claimed_{false};
  std::atomic<bool> asleep_{true};
};

}  // namespace gossamer::inline v0::sched
