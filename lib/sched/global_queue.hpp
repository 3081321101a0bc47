// global_queue: the fibers that belong to no worker: spawned or woken by plain threads, or spilled from a full queue.
// First in first out, under a lock.
#pragma once

#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "fiber/fiber.hpp"
#include "gossamer/detail/spin_lock.hpp"

namespace gossamer::inline v0::sched {

class global_queue {
 public:
  constexpr global_queue() noexcept = default;

  void push(fiber* f) noexcept {
    fiber* one[] = {f};
    push(one, 1);
  }
  void push(fiber* const* items, std::size_t n) noexcept {
    const std::scoped_lock hold(guard_);
    for (std::size_t i = 0; i < n; ++i) {
      items[i]->next = nullptr;
      (tail_ != nullptr ? tail_->next : head_) = items[i];
      tail_ = items[i];
    }
    // seq_cst: a worker that goes idle announces itself and then looks here; see idle_set.
    pushed_.store(pushed_.load(std::memory_order_relaxed) + n);
    check_invariants();
  }

  // Up to `most` of the oldest.
  std::size_t pop(fiber** out, std::size_t most) noexcept {
    if (empty()) {
      return 0;
    }
    const std::scoped_lock hold(guard_);
    std::size_t n = 0;
    while (n < most && head_ != nullptr) {
      out[n++] = head_;
      head_ = head_->next;
    }
    if (head_ == nullptr) {
      tail_ = nullptr;
    }
    popped_.store(popped_.load(std::memory_order_relaxed) + n);
    check_invariants();
    return n;
  }

  // In a forked child: whoever pushes finds the lock held.
  void seize() noexcept { static_cast<void>(guard_.try_lock()); }

  // seq_cst loads: see push().
  bool empty() const noexcept { return popped_.load() == pushed_.load(); }
  std::size_t size() const noexcept {
    const std::uint64_t popped = popped_.load();
    return static_cast<std::size_t>(pushed_.load() - popped);
  }
  // For looking whether something has waited.
  std::uint64_t popped() const noexcept { return popped_.load(std::memory_order_relaxed); }
  std::uint64_t pushed() const noexcept { return pushed_.load(std::memory_order_relaxed); }

 private:
  // What stands beside the fields. Under guard_, after each change.
  void check_invariants() const noexcept {
    assert((head_ == nullptr) == (tail_ == nullptr));
    assert((head_ == nullptr) == (pushed() == popped()));
    assert(tail_ == nullptr || tail_->next == nullptr);
  }

  std::atomic<std::uint64_t> pushed_{0};
  std::atomic<std::uint64_t> popped_{0};
  detail::spin_lock guard_;
  // Guarded by guard_: a list by `next`; head_ is null exactly if tail_ is, exactly if pushed_ == popped_.
  fiber* head_ = nullptr;
  fiber* tail_ = nullptr;
};

}  // namespace gossamer::inline v0::sched
