// call_room: the memory of an operation that a call with use_fiber waits for.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <new>

#include "../runtime.hpp"

namespace gossamer::inline v0::detail {

// Memory for the operation: one block at a time on the caller's stack, what is more or larger from the heap. Asio gives
// a block back before it calls the handler.
class call_room {
 public:
  void* take(std::size_t bytes) {
    // acquire: pairs with the release in give(); whoever had the block has left it.
    if (bytes <= sizeof block_ && !taken_.exchange(true, std::memory_order_acquire)) {
      return block_;
    }
    return ::operator new(bytes);
  }
  void give(void* p) noexcept {
    if (p == block_) {
      taken_.store(false, std::memory_order_release);
    } else {
      ::operator delete(p);
    }
  }
  // For a library that gives it back a little late.
  void wait_until_given() const noexcept {
    while (taken_.load(std::memory_order_acquire)) {
      runtime::gosched();
    }
  }

 private:
  alignas(std::max_align_t) std::byte block_[512];
  std::atomic<bool> taken_{false};
};

template <class T>
struct call_allocator {
  using value_type = T;

  explicit call_allocator(call_room* r) noexcept : room(r) {}
  template <class U>
  call_allocator(const call_allocator<U>& other) noexcept : room(other.room) {}

  T* allocate(std::size_t n) {
    if constexpr (alignof(T) > alignof(std::max_align_t)) {
      return std::allocator<T>().allocate(n);
    } else if (n > static_cast<std::size_t>(-1) / sizeof(T)) {
      throw std::bad_array_new_length();
    } else {
      return static_cast<T*>(room->take(n * sizeof(T)));
    }
  }
  void deallocate(T* p, std::size_t n) noexcept {
    if constexpr (alignof(T) > alignof(std::max_align_t)) {
      std::allocator<T>().deallocate(p, n);
    } else {
      room->give(p);
    }
  }
  template <class U>
  friend bool operator==(const call_allocator& a, const call_allocator<U>& b) noexcept {
    return a.room == b.room;
  }

  call_room* room;
};

}  // namespace gossamer::inline v0::detail
