// guard_bit: the lock of an object whose whole state is one word: a bit of the word. While it is set only the one who
// set it changes the word; releasing it is storing the word's next value (held_lock).
#pragma once

#include <atomic>
#include <cstdint>

#include "gossamer/detail/spin_lock.hpp"

namespace gossamer::inline v0::wait {

// Reads the word, waiting while the bit is set. acquire: pairs with held_lock::release() and the object's own releases.
inline std::uint64_t load_unguarded(const detail::lock_word& word, std::uint64_t bit) noexcept {
  std::uint64_t w = word.load(std::memory_order_acquire);
  for (detail::spin_wait spin; (w & bit) != 0; w = word.load(std::memory_order_acquire)) {
    spin.once();
  }
  return w;
}

// Sets the bit and returns the word as it was.
inline std::uint64_t set_guard(detail::lock_word& word, std::uint64_t bit) noexcept {
  std::uint64_t w = load_unguarded(word, bit);
  // acquire: the queue as the last guard holder left it.
  while (!word.compare_exchange_weak(w, w | bit, std::memory_order_acquire, std::memory_order_relaxed)) {
    w = load_unguarded(word, bit);
  }
  return w;
}

}  // namespace gossamer::inline v0::wait
