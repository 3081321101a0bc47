// run_queue: a worker's fibers that are ready to go on, first in first out. The owner pushes; the owner and thieves
// pop. Source: Go runtime/proc.go (runqput, runqget, runqgrab). Differs: T is any pointer, so that the queue can be
// tested with plain threads.
//
// The entries are slots_[head_ .. tail_) modulo capacity. head_ moves by compare-exchange alone, tail_ is the owner's.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "base/stress.hpp"

namespace gossamer::inline v0::sched {

template <class T>
class run_queue {
 public:
  static constexpr std::uint32_t capacity = 256;

  // By the owner. False if full.
  bool push(T* item) noexcept {
    // acquire: pairs with the release of a pop: a slot is written again only once its last reader has read it.
    const std::uint32_t head = head_.load(std::memory_order_acquire);
    // relaxed: only the owner writes it.
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head == capacity) {
      return false;
    }
    // relaxed: published by the store of tail_.
    slots_[tail % capacity].store(item, std::memory_order_relaxed);
    base::stress_point();
    // release: pairs with the acquire in steal(): a thief that sees the tail sees the slot and the item.
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  // By the owner.
  T* pop() noexcept {
    // relaxed: the compare-exchange decides; the owner wrote the slots itself.
    std::uint32_t head = head_.load(std::memory_order_relaxed);
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    while (head != tail) {
      T* item = slots_[head % capacity].load(std::memory_order_relaxed);
      // release: pairs with the acquire in push().
      if (head_.compare_exchange_weak(head, head + 1, std::memory_order_release, std::memory_order_relaxed)) {
        return item;
      }
    }
    return nullptr;
  }

  // By the owner: what will be popped after `ahead` others, if nobody steals; null if there are not so many.
  T* peek(std::uint32_t ahead) const noexcept {
    // relaxed: a hint.
    const std::uint32_t head = head_.load(std::memory_order_relaxed);
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    return tail - head > ahead && tail - head <= capacity
               ? slots_[(head + ahead) % capacity].load(std::memory_order_relaxed)
               : nullptr;
  }

  // By the owner: takes the older half out, for the global queue. out has room for capacity / 2.
  std::uint32_t pop_half(T** out) noexcept { return take_half(out, 0); }

  // By anyone: takes the older half of what is there, rounded up. out has room for capacity / 2.
  std::uint32_t steal(T** out) noexcept { return take_half(out, 1); }

  std::uint32_t size() const noexcept {
    // relaxed: a hint. head_ first: it never passes tail_, so the difference cannot wrap.
    const std::uint32_t head = head_.load(std::memory_order_relaxed);
    const std::uint32_t n = tail_.load(std::memory_order_relaxed) - head;
    return n > capacity ? capacity : n;
  }
  // How many were ever popped, and pushed; relaxed: for looking whether something has waited.
  std::uint32_t popped() const noexcept { return head_.load(std::memory_order_relaxed); }
  std::uint32_t pushed() const noexcept { return tail_.load(std::memory_order_relaxed); }

 private:
  std::uint32_t take_half(T** out, std::uint32_t round_up) noexcept {
    // acquire: together with the compare-exchange, the slots that are read below are not yet written again.
    std::uint32_t head = head_.load(std::memory_order_acquire);
    for (;;) {
      // acquire: pairs with the release in push(); the slots up to tail and their items are seen.
      const std::uint32_t tail = tail_.load(std::memory_order_acquire);
      const std::uint32_t n = (tail - head + round_up) / 2;
      if (n == 0) {
        return 0;
      }
      if (n <= capacity / 2) {
        for (std::uint32_t i = 0; i < n; ++i) {
          // relaxed: ordered by the acquire above and the compare-exchange below.
          out[i] = slots_[(head + i) % capacity].load(std::memory_order_relaxed);
        }
        base::stress_point();
        // acq_rel: release as in pop(); acquire for the next round's slots.
        if (head_.compare_exchange_strong(head, head + n, std::memory_order_acq_rel, std::memory_order_acquire)) {
          return n;
        }
      } else {
        head = head_.load(std::memory_order_acquire);  // head and tail were not of one instant
      }
    }
  }

  alignas(64) std::atomic<std::uint32_t> head_{0};
  alignas(64) std::atomic<std::uint32_t> tail_{0};
  std::array<std::atomic<T*>, capacity> slots_{};
};

}  // namespace gossamer::inline v0::sched
