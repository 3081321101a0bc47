// timer_heap: the deadlines that a worker's fibers have armed, and the timers that were put there, earliest first, in a
// 4-ary heap.
//
// A waiter disarms by turning its record's timer_turn on: the entry stays and is dropped when it comes up, or when more
// than half of the heap is such entries. So no entry has to be found, and none writes to a record that is not in cache.
// A timer (wait/timer_node.hpp) is taken out at once instead, since it may die: each knows its position. Those that are
// not due soon lie in a wheel (timer_wheel.hpp) until they are.
// What is due goes back to the caller as values; the heap calls nobody.
// An object like any other of the wait protocol (test/model/wait.pml): arming is P3, expiring P4, disarming P6.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "event/timer_wheel.hpp"
#include "fiber/fiber.hpp"
#include "gossamer/detail/deadline.hpp"
#include "gossamer/detail/spin_lock.hpp"
#include "wait/timer_node.hpp"

namespace gossamer::inline v0::event {

class timer_heap {
 public:
  constexpr timer_heap() noexcept = default;
  timer_heap(const timer_heap&) = delete;
  timer_heap& operator=(const timer_heap&) = delete;

  static constexpr std::size_t batch = 64;

  // One deadline: of a fiber, or of a timer.
  struct entry {
    detail::deadline when;
    void* who;
    std::uint32_t turn;
    bool is_timer;

    fiber& sleeper() const noexcept { return *static_cast<fiber*>(who); }
    wait::timer_node& timer() const noexcept { return *static_cast<wait::timer_node*>(who); }
    bool stale() const noexcept {
      // relaxed: it only has to differ, if the fiber has disarmed this entry, and this heap's lock has seen that.
      return !is_timer && sleeper().timer_turn.load(std::memory_order_relaxed) != turn;
    }
  };

  // Before anything is put in: look_at() is exact, and nothing waits in the wheel, however far its time. For a clock
  // that moves on from one deadline to the next.
  void be_exact() noexcept { exact_ = true; }

  // Makes room for one more fiber, so that arm() cannot fail. By the owner. Throws std::bad_alloc.
  void reserve() { reserve_for(1); }
  // The same for each of `fibers`, who do so before each arm() and from anywhere: at no time there are more of them.
  void reserve_for(std::size_t fibers);
  // P3: f's ticket times out at `when`. By the owner, in the post-switch step, after reserve().
  void arm(fiber& f, detail::deadline when) noexcept;
  // P6: from here on f's ticket is not touched. From anywhere, in f.
  void disarm(fiber& f) noexcept;

  // Puts in a timer that is in no heap. True if the heap is to be looked at earlier than before. Throws std::bad_alloc.
  // This, take_out() and leave(): from anywhere, under the timer's own lock, or when nobody else holds it.
  // `now`: the time, or a little earlier.
  bool add(wait::timer_node& t, detail::deadline now, detail::deadline when, detail::deadline period,
           std::uint32_t turn);
  // Takes out a timer that was put into this heap; whether it has not come up before.
  bool take_out(wait::timer_node& t) noexcept;
  // A timer that was put into this heap, and that nobody holds any more, is to fire nevertheless. Unless it is armed
  // still, it is the caller's again.
  wait::remains leave(wait::timer_node& t) noexcept;

  // P4: takes what is due at `now`, up to `most` (and no more than `batch`), in due order. Of the fibers the tickets
  // are claimed; the timers come with a reference each, and those that are due periodically stay. Returns how many;
  // more may be due if look_at() <= now still. From anywhere.
  std::size_t expire(detail::deadline now, entry* due, std::size_t most) noexcept;

  // When the heap should be looked at: its earliest deadline, up to 200 us later where it holds many, or
  // no_deadline. A hint where other threads arm; exact under their locks.
  // acquire: with the seq_cst store in publish(), an idle worker that looks after it has announced itself sees it.
  detail::deadline look_at() const noexcept { return look_at_.load(std::memory_order_acquire); }
  // How many entries there are, stale ones included.
  std::size_t size() noexcept;
  // How many it has memory for.
  std::size_t room() noexcept;

  std::uint16_t index() const noexcept { return index_; }
  void set_index(std::uint16_t i) noexcept { index_ = i; }
  // Forgets everything: the runtime has stopped.
  void clear() noexcept;

  // In a forked child: whoever adds or arms finds the lock held.
  void seize() noexcept { static_cast<void>(guard_.try_lock()); }

 private:
  void check_invariants() const noexcept;
  void publish() noexcept;
  void put(std::size_t i, const entry& e) noexcept;
  void sift_up(std::size_t i) noexcept;
  void sift_down(std::size_t i) noexcept;
  void remove_at(std::size_t i) noexcept;
  void take_first(detail::deadline now) noexcept;
  std::size_t take_due(detail::deadline now, entry* ready, std::size_t most) noexcept;
  void turn_wheel(detail::deadline now) noexcept;
  void compact() noexcept;
  void grow(std::size_t room);
  bool roomy() const noexcept;
  void shrink() noexcept;
  bool waits_in_wheel(detail::deadline now, detail::deadline when) const noexcept {
    return when - now > timer_wheel::soon && !exact_;
  }

  std::atomic<detail::deadline> look_at_{detail::no_deadline};
  std::uint16_t index_ = 0;
  detail::spin_lock guard_;
  // Guarded by guard_. entries_[0, size_) is a heap by `when`: entries_[i] <= entries_[4 i + 1 .. 4 i + 4].
  // entries_[i].timer().position == i where it is a timer's. There is room for what is in the wheel, and the last
  // `kept_` places are for fibers: see reserve_for().
  std::unique_ptr<entry[]> entries_;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
  std::size_t stale_ = 0;
  std::size_t kept_ = 1;
  bool exact_ = false;
  timer_wheel wheel_;
};

}  // namespace gossamer::inline v0::event
