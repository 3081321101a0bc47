// timer_node: what a timer heap knows of a timer that is an object of its own (a sleep's deadline lies in its fiber's
// record instead).
//
// A node is in one heap or in none; the heap does not count as one that holds it. When the time has come, the heap
// hands it out with a reference of its own and with the turn with which it was armed. Whether that turn still is the
// timer's is for its owner to see, under its own lock: it may have been stopped meanwhile.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "gossamer/detail/deadline.hpp"

namespace gossamer::inline v0 {

namespace detail {
struct fiber;
}

namespace wait {

struct timer_node {
  static constexpr std::size_t nowhere = ~std::size_t{0};
  // It came up, and nobody held it: its owner is about to ask (see timer_heap::leave).
  static constexpr std::size_t missed = nowhere - 1;
  static constexpr std::size_t in_wheel = nowhere - 2;

  // What is done when it is due, by the one that has taken it out of the heap: on a worker's own stack, so it must not
  // block. `due` is when it should have been; no_deadline: it never will be, and is dropped (sched/bubble.hpp). Gives
  // up the reference that the heap took. Returns who is to go on, or null.
  using due_function = detail::fiber* (*)(timer_node&, std::uint32_t turn, detail::deadline due) noexcept;

  // Called somewhat earlier, with the heap's reference: gets what fire() needs into the cache.
  using near_function = void (*)(const timer_node&) noexcept;

  timer_node(near_function n, due_function f) noexcept : prepare(n), fire(f) {}
  timer_node(const timer_node&) = delete;
  timer_node& operator=(const timer_node&) = delete;

  const near_function prepare;
  const due_function fire;
  // Set before it is put into a heap. While it is 0 the owner is about to take the node out of its heap.
  std::atomic<std::size_t>* references = nullptr;
  // Guarded by the heap's lock.
  std::size_t position = nowhere;  // in the heap's array, or one of the above
  detail::deadline when = 0;
  detail::deadline period = 0;  // 0: it is due once
  timer_node* next = nullptr;   // in a list of the wheel
  timer_node** link = nullptr;  // what points to it there
  // The ones behind `next` when this one was put in: only to be prefetched, as they may be gone.
  const timer_node* ahead[3] = {};
  std::uint32_t armed_turn = 0;  // with which it fires
  bool orphan = false;           // nobody holds it, but it is to fire: the heap will make the first reference
  // Whose heap it was put into last. Guarded by the owner's lock.
  std::uint16_t heap = 0;

  // Under the heap's lock: takes a reference, unless there is none left.
  bool retain() noexcept {
    // relaxed, all: the node is known through the heap's lock.
    if (orphan) {
      orphan = false;
      references->store(1, std::memory_order_relaxed);
      return true;
    }
    std::size_t n = references->load(std::memory_order_relaxed);
    while (n != 0 && !references->compare_exchange_weak(n, n + 1, std::memory_order_relaxed)) {
    }
    return n != 0;
  }
};

// What became of a timer that nobody holds any more, though it is to fire.
enum class remains {
  nothing,  // it is in no heap: the runtime has stopped
  armed,    // it will fire, and belongs to the heap until then
  due,      // its time has come: the owner is to see to it
};

}  // namespace wait

}  // namespace gossamer::inline v0
