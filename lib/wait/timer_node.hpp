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

namespace gossamer::inline v0::wait {

struct timer_node {
  static constexpr std::size_t nowhere = ~std::size_t{0};

  // What is done when it is due, by the one that has taken it out of the heap: on a worker's own stack, so it must not
  // block. `due` is when it should have been. Gives up the reference that the heap took.
  using due_function = void (*)(timer_node&, std::uint32_t turn, detail::deadline due) noexcept;

  timer_node(due_function f, std::atomic<std::size_t>& count) noexcept : fire(f), references(count) {}
  timer_node(const timer_node&) = delete;
  timer_node& operator=(const timer_node&) = delete;

  const due_function fire;
  std::atomic<std::size_t>& references;  // while it is 0 the owner is about to take the node out of its heap
  // Whose heap it was put into last. Guarded by the owner's lock.
  std::uint16_t heap = 0;
  // Guarded by the heap's lock.
  std::size_t position = nowhere;
  detail::deadline period = 0;  // 0: it is due once

  // Takes a reference, unless there is none left.
  bool retain() noexcept {
    // relaxed, both: the node is known through the heap's lock.
    std::size_t n = references.load(std::memory_order_relaxed);
    while (n != 0 && !references.compare_exchange_weak(n, n + 1, std::memory_order_relaxed)) {
    }
    return n != 0;
  }
};

}  // namespace gossamer::inline v0::wait
