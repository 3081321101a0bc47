// timer_heap: the deadlines that a worker's fibers have armed, earliest first, in a 4-ary heap.
//
// A waiter disarms by turning its record's timer_turn on: the entry stays and is dropped when it comes up, or when more
// than half of the heap is such entries. So no entry has to be found, and none writes to a record that is not in cache.
// Expired fibers go back to the caller as values; the heap calls nobody.
// An object like any other of the wait protocol (test/model/wait.pml): arming is P3, expiring P4, disarming P6.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "fiber/fiber.hpp"
#include "gossamer/detail/deadline.hpp"
#include "gossamer/detail/spin_lock.hpp"

namespace gossamer::inline v0::event {

class timer_heap {
 public:
  constexpr timer_heap() noexcept = default;
  timer_heap(const timer_heap&) = delete;
  timer_heap& operator=(const timer_heap&) = delete;

  static constexpr std::size_t batch = 64;

  // Makes room for one more, so that arm() cannot fail. By the owner. Throws std::bad_alloc.
  void reserve();
  // P3: f's ticket times out at `when`. By the owner, in the post-switch step, after reserve().
  void arm(fiber& f, detail::deadline when) noexcept;
  // P6: from here on f's ticket is not touched. From anywhere, in f.
  void disarm(fiber& f) noexcept;
  // P4: takes what is due at `now`, up to `most` (and no more than `batch`) fibers: their tickets are claimed, and they
  // go to `ready`. Returns how many; more may be due if look_at() <= now still. From anywhere.
  std::size_t expire(detail::deadline now, fiber** ready, std::size_t most) noexcept;

  // When the heap should be looked at: its earliest deadline, up to 200 us later where it holds very many, or
  // no_deadline. A hint where other threads arm; exact under their locks.
  // acquire: with the seq_cst store in publish(), an idle worker that looks after it has announced itself sees it.
  detail::deadline look_at() const noexcept { return look_at_.load(std::memory_order_acquire); }

  void set_index(std::uint16_t i) noexcept { index_ = i; }
  // Forgets everything: the runtime has stopped.
  void clear() noexcept;

 private:
  struct entry {
    detail::deadline when;
    fiber* who;
    std::uint32_t turn;
    bool stale() const noexcept { return who->timer_turn != turn; }
  };

  void publish() noexcept;
  void sift_up(std::size_t i) noexcept;
  void sift_down(std::size_t i) noexcept;
  void pop() noexcept;
  void compact() noexcept;

  std::atomic<detail::deadline> look_at_{detail::no_deadline};
  std::uint16_t index_ = 0;
  detail::spin_lock guard_;
  // Guarded by guard_. entries_[0, size_) is a heap by `when`: entries_[i] <= entries_[4 i + 1 .. 4 i + 4].
  std::unique_ptr<entry[]> entries_;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
  std::size_t stale_ = 0;
};

}  // namespace gossamer::inline v0::event
