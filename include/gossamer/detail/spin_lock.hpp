// spin_lock: guards an object's few fields for some nanoseconds; a fiber never parks while it holds one, except through
// park(), which releases it after the switch.
//
// The release in unlock() is the holder's last access to the lock and to what it guards: whoever locks next may destroy
// the object.
#pragma once

#include <atomic>
#include <cstdint>

#include "config.hpp"
#include "cpu_relax.hpp"

#if GOSSAMER_TSAN
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
#endif

namespace gossamer::inline v0::detail {

// Tells the thread sanitizer of an edge that uninstrumented code makes. Nothing in other builds.
inline void sanitizer_acquire([[maybe_unused]] void* address) noexcept {
#if GOSSAMER_TSAN
  __tsan_acquire(address);
#endif
}
inline void sanitizer_release([[maybe_unused]] void* address) noexcept {
#if GOSSAMER_TSAN
  __tsan_release(address);
#endif
}

// Gives the rest of the thread's time slice to others. In the child of a fork() nobody would ever release the lock:
// then it ends the process (see runtime.hpp).
GOSSAMER_API void yield_slice() noexcept;

// One step of waiting for another core: a pause, and from time to time the rest of the time slice, since the holder may
// have been preempted in its critical section.
class spin_wait {
 public:
  void once() noexcept {
    if (++turns_ % 64 == 0) {
      yield_slice();
    } else {
      cpu_relax();
    }
  }

 private:
  unsigned turns_ = 0;
};

// Every lock of the library is one such word, so that park() can release any of them after the switch: it stores the
// value that means "free", which may carry more (a mutex's or a wait group's state).
using lock_word = std::atomic<std::uint64_t>;

// A lock that is held, and the word's value once it is released.
struct held_lock {
  lock_word* word;
  std::uint64_t released;

  // The holder's last access to the object.
  void release() const noexcept {
    announce();
    give_up();
  }
  // The two halves, where another context does the second: the thread sanitizer learns whose writes are published.
  void announce() const noexcept { sanitizer_release(word); }
  void give_up() const noexcept {
    // release: pairs with the acquire of whoever takes the lock next; publishes what the lock guards.
    word->store(released, std::memory_order_release);
  }
};

class spin_lock {
 public:
  constexpr spin_lock() noexcept = default;
  spin_lock(const spin_lock&) = delete;
  spin_lock& operator=(const spin_lock&) = delete;

  void lock() noexcept {
    // acquire: pairs with the release in unlock(); publishes the guarded fields.
    if (held_.exchange(1, std::memory_order_acquire) != 0) [[unlikely]] {
      lock_contended();
    }
    sanitizer_acquire(&held_);
  }
  bool try_lock() noexcept {
    // relaxed look first: a failed exchange would take the cache line from the holder. acquire: as in lock().
    if (held_.load(std::memory_order_relaxed) != 0 || held_.exchange(1, std::memory_order_acquire) != 0) {
      return false;
    }
    sanitizer_acquire(&held_);
    return true;
  }
  void unlock() noexcept { held().release(); }
  // For park(): the calling fiber holds the lock.
  held_lock held() noexcept { return {&held_, 0}; }
  bool is_locked() const noexcept { return held_.load(std::memory_order_relaxed) != 0; }

 private:
  GOSSAMER_OUT_OF_LINE void lock_contended() noexcept {
    spin_wait wait;
    do {
      // relaxed: only decides when to try again.
      while (held_.load(std::memory_order_relaxed) != 0) {
        wait.once();
      }
    } while (held_.exchange(1, std::memory_order_acquire) != 0);
  }

  lock_word held_{0};
};

}  // namespace gossamer::inline v0::detail
