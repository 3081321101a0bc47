// cond: waits until another fiber says that something has changed.
//
//   std::unique_lock hold(mu);
//   changed.wait(hold, [&] { return !queue.empty(); });
//   const int next = queue.front();
//
// Source: Go sync.Cond (FIFO, no spurious wake-ups). Differs: the lock is given to wait(), as to
// std::condition_variable_any, so that one cond serves any kind of lock, and both of an rw_mutex's.
#pragma once

#include <concepts>
#include <cstdint>
#include <source_location>

#include "../detail/chrono.hpp"
#include "../detail/config.hpp"
#include "../detail/invoke.hpp"
#include "../detail/spin_lock.hpp"
#include "../detail/wait_list.hpp"
#include "../limit.hpp"

namespace gossamer::inline v0::sync {

// cond: wait(lock) gives the lock up and waits, in one step: a signal that is sent by somebody who has held the lock
// since is not missed. It holds the lock again when it returns. A lock is a mutex, an rw_mutex, or a std::unique_lock
// or std::shared_lock of one: anything that has lock() and unlock(). Signals are not remembered: one that finds nobody
// waiting is lost. Nobody returns from wait() without one. A signal happens-before the return that it causes. Signal
// and broadcast need not hold the lock. Usable in globals before main(). May be destroyed as soon as all that wait have
// been signalled, even if they have not returned: by one of them, or by the signaller. A broadcast is enough: those
// whose time has come, or whose stop was set, a moment before it return unharmed, too.
class GOSSAMER_API cond {
 public:
  constexpr cond() noexcept = default;
  cond(const cond&) = delete;
  cond& operator=(const cond&) = delete;
  ~cond();

  // Waits for a signal. The caller holds the lock.
  template <class Lock>
  void wait(Lock& lock, std::source_location where = std::source_location::current()) {
    wait_unlocked(face_of(lock), {}, where);
  }
  // Waits until ready() is true: looks before the first wait and after each. The lock is held where it looks.
  template <class Lock, class Predicate>
    requires std::predicate<Predicate&>
  void wait(Lock& lock, Predicate ready, std::source_location where = std::source_location::current()) {
    while (!ready()) {
      wait(lock, where);
    }
  }

  // Waits for a signal (true) or until the limit has come (false; at once where it is a stop that is set already): a
  // time, a stop, or both (see ../limit.hpp). Either way it waits for the lock. Throws std::bad_alloc where there is no
  // memory for a deadline's timer.
  template <class Lock>
  bool wait_until(Lock& lock, wait::limit limit, std::source_location where = std::source_location::current()) {
    return wait_unlocked(face_of(lock), limit, where);
  }
  template <class Lock, class Rep, class Period>
  bool wait_for(Lock& lock, std::chrono::duration<Rep, Period> d,
                std::source_location where = std::source_location::current()) {
    return wait_unlocked(face_of(lock), d, where);
  }

  // The same until ready() is true. Returns what ready() said last.
  template <class Lock, class Predicate>
    requires std::predicate<Predicate&>
  bool wait_until(Lock& lock, wait::limit limit, Predicate ready,
                  std::source_location where = std::source_location::current()) {
    return wait_until_ready(lock, limit, ready, where);
  }
  template <class Lock, class Rep, class Period, class Predicate>
    requires std::predicate<Predicate&>
  bool wait_for(Lock& lock, std::chrono::duration<Rep, Period> d, Predicate ready,
                std::source_location where = std::source_location::current()) {
    return wait_until_ready(lock, d, ready, where);
  }

  // Wakes the one that has waited longest, if any waits.
  void signal() noexcept {
    if (!waiters_.empty()) {
      wake(1);
    }
  }
  // Wakes all that wait at this moment.
  void broadcast() noexcept {
    if (!waiters_.empty()) {
      wake(everybody);
    }
  }
  // The standard's names of the same.
  void notify_one() noexcept { signal(); }
  void notify_all() noexcept { broadcast(); }

 private:
  static constexpr std::uint64_t everybody = ~std::uint64_t{0};

  // A lock of any type.
  struct lock_face {
    void* lock;
    void (*lock_it)(void* lock, const std::source_location& where);
    void (*unlock_it)(void* lock);
  };
  // No lambdas: libgossamer.so would export those for its own locks, under names that each compiler chooses.
  template <class Lock>
  static void lock_any(void* lock, const std::source_location& where) {
    if constexpr (requires(Lock& l) { l.lock(where); }) {
      static_cast<Lock*>(lock)->lock(where);
    } else {
      static_cast<Lock*>(lock)->lock();
    }
  }
  template <class Lock>
  static void unlock_any(void* lock) {
    static_cast<Lock*>(lock)->unlock();
  }
  template <class Lock>
  static lock_face face_of(Lock& lock) noexcept {
    return {detail::address_of(lock), lock_any<Lock>, unlock_any<Lock>};
  }

  template <class Lock, class Predicate>
  bool wait_until_ready(Lock& lock, wait::limit limit, Predicate& ready, const std::source_location& where) {
    while (!ready()) {
      if (!wait_unlocked(face_of(lock), limit, where)) {
        return ready();
      }
    }
    return true;
  }

  bool wait_unlocked(const lock_face& lock, wait::limit limit, std::source_location where);
  class place;
  bool park(place& mine, wait::limit limit, const std::source_location& where) noexcept;
  void wake(std::uint64_t most) noexcept;

  // A signal need not take the guard to see that nobody waits: a wait that it must not miss has pushed its waiter
  // before it gave up the lock.
  detail::spin_lock guard_;
  detail::wait_list waiters_;
};

}  // namespace gossamer::inline v0::sync
