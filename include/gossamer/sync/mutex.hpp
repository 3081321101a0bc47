// mutex: one holder at a time.
//
//   sync::mutex mu;
//   for (int i = 0; i < 3; ++i) wg.go([&] {
//     const std::scoped_lock hold(mu);
//     ++count;
//   });
//
// Source: Go sync.Mutex, internal/sync/mutex.go. Differs: the waiters' queue is guarded by a bit of the same word.
#pragma once

#include <atomic>
#include <cstdint>
#include <source_location>
#include <utility>

#include "../detail/chrono.hpp"
#include "../detail/config.hpp"
#include "../detail/resched.hpp"
#include "../detail/spin_lock.hpp"
#include "../detail/stack_mark.hpp"
#include "../detail/wait_list.hpp"
#include "../limit.hpp"

namespace gossamer::inline v0::debug {
struct inside;  // lib/debug
}
namespace gossamer::inline v0::detail {
class held;
}

namespace gossamer::inline v0::sync {

// mutex: one holder at a time; waiting parks the fiber. Not reentrant. Any fiber or thread may unlock it. A waiter that
// has failed for over 1 ms is handed the lock directly (FIFO) until the queue drains.
// Lockable and TimedLockable: std::scoped_lock, std::unique_lock work. Usable in globals before main().
// unlock() happens-before the lock() that follows it. The mutex may be destroyed as soon as the call that was waited
// for returns, by the next holder too.
class GOSSAMER_API mutex {
 public:
  constexpr mutex() noexcept = default;
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;

  // Blocks until the mutex is held by the caller.
  void lock(std::source_location where = std::source_location::current()) {
    detail::cond_resched();
    lock_briefly(where);
  }

  // Takes the mutex if nobody holds it and no starving waiter is owed it. Never blocks.
  bool try_lock() noexcept;

  // Blocks until the mutex is held (true) or the limit has come (false): a time, a stop, or both (see ../limit.hpp).
  // One that can be had at once is. Throws std::bad_alloc where there is no memory for a deadline's timer.
  bool try_lock_until(wait::limit limit, std::source_location where = std::source_location::current()) {
    return try_lock() || lock_contended(limit, where);
  }
  template <class Rep, class Period>
  bool try_lock_for(std::chrono::duration<Rep, Period> d,
                    std::source_location where = std::source_location::current()) {
    return try_lock() || lock_contended(d, where);
  }

  // Gives the mutex up. Fatal if nobody holds it: `sync: unlock of unlocked mutex`.
  void unlock() noexcept {
    // relaxed: as in lock(). release: pairs with the acquire of the next holder; publishes the critical section.
    std::uint64_t w = word_.load(std::memory_order_relaxed);
    if (!nobody_waits(w) || !word_.compare_exchange_strong(w, w & ~locked, std::memory_order_release,
                                                           std::memory_order_relaxed)) [[unlikely]] {
      unlock_contended();
    }
  }

 private:
  // word_: who holds it and who waits. While `guarded` is set only the one who set it changes the word, and owns
  // waiters_. While it is clear: waiting == !waiters_.empty().
  static constexpr std::uint64_t locked = 1;
  static constexpr std::uint64_t guarded = 2;
  static constexpr std::uint64_t waiting = 4;
  static constexpr std::uint64_t woken = 8;      // a waiter is on its way to try again: unlock need not wake another
  static constexpr std::uint64_t starving = 16;  // unlock hands the lock to the first waiter
  static constexpr std::uint64_t handed = 32;    // locked for a fiber that has not run since
  // With either of `woken` and `handed`: the run_number() in which that was. In a later one the waiter is abandoned.
  static constexpr int run_shift = 32;

  static constexpr bool free_to_take(std::uint64_t w) noexcept { return (w & (locked | guarded | starving)) == 0; }
  // Held, and its release concerns nobody else, since nobody waits.
  static constexpr bool nobody_waits(std::uint64_t w) noexcept { return (w & (locked | guarded | waiting)) == locked; }

  // Who holds it, for dumps: whoever's stack the address lies in. Relaxed, and never cleared: it says something only
  // while `locked` is set, and for an instant after that it may still name the holder before.
  void note_holder() noexcept { holder_.store(detail::stack_mark(), std::memory_order_relaxed); }

  friend struct debug::inside;
  friend class detail::held;

  // As lock(), but a fiber that has run for long does not give way.
  void lock_briefly(const std::source_location& where) {
    // relaxed: the compare-exchange decides. acquire: pairs with the release in unlock().
    std::uint64_t w = word_.load(std::memory_order_relaxed);
    if (!free_to_take(w) || !word_.compare_exchange_strong(w, w | locked, std::memory_order_acquire,
                                                           std::memory_order_relaxed)) [[unlikely]] {
      lock_contended({}, where);
      return;
    }
    note_holder();
  }
  bool lock_contended(wait::limit limit, std::source_location where);
  void unlock_contended() noexcept;
  void take_handed() noexcept;
  static std::uint64_t without(std::uint64_t w, std::uint64_t bits) noexcept;
  static std::uint64_t with(std::uint64_t w, std::uint64_t bit) noexcept;
  static bool is_forgotten(std::uint64_t w) noexcept;
  void withdraw(detail::waiter& w) noexcept;

  detail::lock_word word_{0};
  detail::wait_list waiters_;
  std::atomic<const void*> holder_{nullptr};
};

}  // namespace gossamer::inline v0::sync

namespace gossamer::inline v0::detail {

// Holds a mutex as long as it lives, for some instructions of the library's own: std::unique_lock without <mutex>.
// Whoever calls that need not expect that others run meanwhile.
class held {
 public:
  explicit held(sync::mutex& m, std::source_location where = std::source_location::current()) : mutex_(&m) {
    m.lock_briefly(where);
  }
  held(const held&) = delete;
  held& operator=(const held&) = delete;
  ~held() {
    if (mutex_ != nullptr) {
      mutex_->unlock();
    }
  }
  void unlock() noexcept { std::exchange(mutex_, nullptr)->unlock(); }

 private:
  sync::mutex* mutex_;
};

}  // namespace gossamer::inline v0::detail
