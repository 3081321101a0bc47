// spawn_deque: a worker's fibers that have not started. The owner takes the newest, so that a tree of fibers is run
// depth first and few of its stacks are alive at a time; thieves take the oldest, which have the most work below them.
// Source: Chase and Lev, "Dynamic circular work-stealing deque" (2005), with the orders of Le, Pop, Cohen and Nardelli,
// "Correct and efficient work-stealing for weak memory models" (2013). Differs: of fixed size.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "base/stress.hpp"

namespace gossamer::inline v0::sched {

template <class T>
class spawn_deque {
 public:
  static constexpr std::int64_t capacity = 1024;

  // By the owner. False if full.
  bool push(T* item) noexcept {
    // relaxed: only the owner writes bottom_.
    const std::int64_t b = bottom_.load(std::memory_order_relaxed);
    // acquire: pairs with the compare-exchange in steal(): the slot's last reader has read it.
    if (b - top_.load(std::memory_order_acquire) >= capacity) {
      return false;
    }
    slot(b).store(item, std::memory_order_relaxed);  // relaxed: published by the store of bottom_
    base::stress_point();
    // release: pairs with the acquire in steal(); a thief that sees bottom_ == b + 1 also sees the slot and the item.
    bottom_.store(b + 1, std::memory_order_release);
    return true;
  }

  // By the owner: the newest.
  T* pop() noexcept {
    const std::int64_t b = bottom_.load(std::memory_order_relaxed) - 1;
    // seq_cst store and load: the owner's claim on slot b is before its look at top_, against a thief's claim on top_
    // before its look at bottom_ (both would take the last one otherwise).
    bottom_.exchange(b, std::memory_order_seq_cst);
    std::int64_t t = top_.load(std::memory_order_seq_cst);
    if (t > b) {
      bottom_.store(b + 1, std::memory_order_relaxed);  // relaxed: it was empty, and is again
      return nullptr;
    }
    T* item = slot(b).load(std::memory_order_relaxed);
    if (t == b) {
      // seq_cst: the last one goes to whoever moves top_.
      if (!top_.compare_exchange_strong(t, t + 1, std::memory_order_seq_cst, std::memory_order_relaxed)) {
        item = nullptr;
      }
      bottom_.store(b + 1, std::memory_order_relaxed);
    }
    return item;
  }

  // By anyone: the oldest, or null if there is none or another was faster.
  T* steal() noexcept {
    // seq_cst: see pop(). The look at bottom_ acquires the slot and the item.
    std::int64_t t = top_.load(std::memory_order_seq_cst);
    const std::int64_t b = bottom_.load(std::memory_order_seq_cst);
    if (t >= b) {
      return nullptr;
    }
    T* item = slot(t).load(std::memory_order_relaxed);  // relaxed: valid only if top_ has not moved
    base::stress_point();
    // seq_cst: one winner; releases the slot to push().
    return top_.compare_exchange_strong(t, t + 1, std::memory_order_seq_cst, std::memory_order_relaxed) ? item
                                                                                                        : nullptr;
  }

  bool empty() const noexcept { return size() == 0; }
  std::int64_t size() const noexcept {
    // relaxed: a hint to all but the owner.
    const std::int64_t n = bottom_.load(std::memory_order_relaxed) - top_.load(std::memory_order_relaxed);
    return n < 0 ? 0 : n;
  }
  // How many have left at the old end, the last one of each time that it ran empty included. relaxed: for looking
  // whether the oldest has waited.
  std::int64_t taken() const noexcept { return top_.load(std::memory_order_relaxed); }

 private:
  std::atomic<T*>& slot(std::int64_t i) noexcept { return slots_[static_cast<std::uint64_t>(i) % capacity]; }

  alignas(64) std::atomic<std::int64_t> top_{0};
  alignas(64) std::atomic<std::int64_t> bottom_{0};
  std::array<std::atomic<T*>, capacity> slots_{};
};

}  // namespace gossamer::inline v0::sched
