// rw_mutex: many readers or one writer. A waiting writer stops new readers.
// Source: Go sync.RWMutex. Differs: one word says who holds it and who waits, and guards the queues; readers that come
// from several workers at once are noted apart from each other (BRAVO: Dice and Kogan 2019; folly::SharedMutex).
#pragma once

#include <atomic>
#include <cstdint>
#include <source_location>

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

namespace gossamer::inline v0::sync {

// rw_mutex: held by any number of readers, or by one writer; waiting parks the fiber. Any fiber or thread may unlock
// it. A reader that comes while a writer waits for readers, waits too: so no writer starves, and a reader must not lock
// twice: with a writer between its two locks it waits for ever, as in Go (a second lock() of the same std::shared_lock
// throws std::system_error instead; that of a second std::shared_lock waits). Readers that waited when a writer unlocks
// go before the next writer, so no reader starves. A writer that is woken may be overtaken by another; then it is
// handed the lock next. SharedLockable and timed: std::shared_lock, std::unique_lock, std::scoped_lock work. Usable in
// globals before main(). unlock() happens-before every lock that follows it, and unlock_shared() before the next
// writer's lock(). May be destroyed as soon as the call that was waited for returns, by the next holder too.
class GOSSAMER_API rw_mutex {
 public:
  constexpr rw_mutex() noexcept = default;
  rw_mutex(const rw_mutex&) = delete;
  rw_mutex& operator=(const rw_mutex&) = delete;

  // Blocks until the caller holds it alone.
  void lock(std::source_location where = std::source_location::current()) {
    detail::cond_resched();
    if (!try_once()) [[unlikely]] {
      lock_contended({}, where);
      return;
    }
    note_holder();
  }

  // Takes it alone if nobody holds it, nor is owed it. Never blocks.
  bool try_lock() noexcept;

  // Blocks until the caller holds it alone (true) or the limit has come (false): a time, a stop, or both (see
  // ../limit.hpp). One that can be had at once is. Throws std::bad_alloc where there is no memory for a deadline's
  // timer.
  bool try_lock_until(wait::limit limit, std::source_location where = std::source_location::current()) {
    return lock_contended(limit, where);
  }
  template <class Rep, class Period>
  bool try_lock_for(std::chrono::duration<Rep, Period> d,
                    std::source_location where = std::source_location::current()) {
    return lock_contended(d, where);
  }

  // The writer gives it up. Fatal if there is none: `sync: Unlock of unlocked RWMutex`.
  void unlock() noexcept {
    std::uint64_t w = writer;
    // release: pairs with the acquire of the next holders; publishes the critical section.
    if (!word_.compare_exchange_strong(w, 0, std::memory_order_release, std::memory_order_relaxed)) [[unlikely]] {
      unlock_contended();
    }
  }

  // Blocks until the caller is one of the readers.
  void lock_shared(std::source_location where = std::source_location::current()) {
    detail::cond_resched();
    if (!try_once_shared() && !come_in_apart()) [[unlikely]] {
      lock_shared_contended({}, where);
    }
  }

  // Becomes a reader if no writer holds it, nor is owed it. Never blocks.
  bool try_lock_shared() noexcept;

  // Blocks until the caller is one of the readers (true) or the limit has come (false). What can be had at once is.
  // Throws std::bad_alloc where there is no memory for a deadline's timer.
  bool try_lock_shared_until(wait::limit limit, std::source_location where = std::source_location::current()) {
    return lock_shared_contended(limit, where);
  }
  template <class Rep, class Period>
  bool try_lock_shared_for(std::chrono::duration<Rep, Period> d,
                           std::source_location where = std::source_location::current()) {
    return lock_shared_contended(d, where);
  }

  // A reader gives it up. Fatal if there is none: `sync: RUnlock of unlocked RWMutex`.
  void unlock_shared() noexcept {
    // relaxed: the compare-exchange decides. release: pairs with the acquire of the next writer.
    std::uint64_t w = word_.load(std::memory_order_relaxed);
    if (!nobody_to_wake(w) || !word_.compare_exchange_strong(w, w - reader, std::memory_order_release,
                                                             std::memory_order_relaxed)) [[unlikely]] {
      if (!leave_apart()) {
        unlock_shared_contended();
      }
    }
  }

  // Go's names of the same.
  void r_lock(std::source_location where = std::source_location::current()) { lock_shared(where); }
  bool try_r_lock() noexcept { return try_lock_shared(); }
  void r_unlock() noexcept { unlock_shared(); }

 private:
  // word_ = readers << 32 | apart | woken | owed | readers_wait | writers_wait | writer | guarded. While `guarded` is
  // set only the one who set it changes the word, and owns the queues. While it is clear:
  //   writer        implies readers == 0
  //   owed          implies writers_wait, and (writer or readers > 0)
  //   readers_wait  ==      !readers_.empty(), and implies writer or owed
  //   writers_wait  ==      !writers_.empty(), and implies writer, readers > 0 or woken
  //   apart         implies nobody waits, and no writer: readers may be in that the word does not count
  static constexpr std::uint64_t guarded = 1;
  static constexpr std::uint64_t writer = 2;
  static constexpr std::uint64_t writers_wait = 4;
  static constexpr std::uint64_t readers_wait = 8;
  static constexpr std::uint64_t owed = 16;   // the first of writers_ is handed it next, and new readers wait
  static constexpr std::uint64_t woken = 32;  // a writer is on its way to try again: unlock need not wake another
  static constexpr std::uint64_t apart = 64;  // readers note themselves where their worker has its own place
  static constexpr std::uint64_t reader = std::uint64_t{1} << 32;

  static constexpr bool open_to_readers(std::uint64_t w) noexcept { return (w & (guarded | writer | owed)) == 0; }
  // Of a word that counts all readers.
  static constexpr bool open_to_writers(std::uint64_t w) noexcept { return open_to_readers(w) && w < reader; }
  // Held by readers that the word counts, all of them, and the release of one concerns nobody else.
  static constexpr bool nobody_to_wake(std::uint64_t w) noexcept {
    return w >= reader && (w & (guarded | writers_wait | apart)) == 0;
  }

  bool try_once() noexcept {
    std::uint64_t w = 0;
    // acquire: pairs with the release of the last holders.
    return word_.compare_exchange_strong(w, writer, std::memory_order_acquire, std::memory_order_relaxed);
  }
  bool try_once_shared() noexcept {
    // relaxed: the compare-exchange decides. acquire: pairs with the release of the last writer.
    std::uint64_t w = word_.load(std::memory_order_relaxed);
    return open_to_readers(w) && (w & apart) == 0 &&
           word_.compare_exchange_strong(w, w + reader, std::memory_order_acquire, std::memory_order_relaxed);
  }

  // The writer that holds it, for dumps: as mutex has it. Readers are counted by the word, and not named.
  void note_holder() noexcept { holder_.store(detail::stack_mark(), std::memory_order_relaxed); }

  friend struct debug::inside;
  class hand_over;

  bool lock_contended(wait::limit limit, std::source_location where);
  bool lock_shared_contended(wait::limit limit, std::source_location where);
  void unlock_contended() noexcept;
  void unlock_shared_contended() noexcept;
  bool come_in(std::uint64_t w) noexcept;
  bool come_in_apart() noexcept;
  std::uint64_t its_number() noexcept;
  bool leave_apart() noexcept;
  void count_all(std::uint64_t w) noexcept;
  std::uint64_t load_counted() noexcept;
  std::uint64_t without_abandoned(std::uint64_t w) noexcept;
  void forget_abandoned() noexcept;
  void have_taken() noexcept;
  void withdraw_writer(detail::waiter& w) noexcept;
  void withdraw_reader(detail::waiter& w) noexcept;

  detail::lock_word word_{0};
  std::atomic<std::uint64_t> number_{0};  // in the notes of readers; from when they were noted apart first
  detail::wait_list readers_;
  detail::wait_list writers_;
  std::atomic<const void*> holder_{nullptr};
  // run_number() << 32 | how many fibers were handed it and have not gone on since. Where the run has ended they never
  // will: see forget_abandoned(). Raised under the guard, lowered by those fibers.
  std::atomic<std::uint64_t> handed_{0};
};

}  // namespace gossamer::inline v0::sync
