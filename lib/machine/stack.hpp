// stack: fiber stacks in large slabs of address space.
//
// A slab is one MAP_NORESERVE mapping, aligned to its usual size (it has less where address space is limited, or that
// much was refused) and cut into reserves of equal size. The first reserve holds
// the slab's header; each of the others is a guard, at its low end, and a stack that grows down towards it. Guards are
// MADV_GUARD_INSTALL where the kernel has it (it splits no mapping), mprotect within a budget of mappings where not,
// and a canary that is checked when the stack comes back after that.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "gossamer/detail/spin_lock.hpp"

namespace gossamer::inline v0::machine {

// A stack is its reserve: [reserve, reserve + bytes of its size class), guard included.
using reserve = std::byte*;

// Size classes are powers of two from 16 KiB (class 0) to 1 GiB (class 16).
inline constexpr unsigned stack_classes = 17;
constexpr std::size_t class_bytes(unsigned size_class) noexcept { return std::size_t{16384} << size_class; }
constexpr unsigned class_of(std::size_t bytes) noexcept {
  unsigned c = 0;
  while (class_bytes(c) < bytes) {
    ++c;
  }
  return c;
}
// 64 KiB, and no more than a quarter of the reserve.
constexpr std::size_t guard_bytes(unsigned size_class) noexcept {
  const std::size_t quarter = class_bytes(size_class) / 4;
  return quarter < 65536 ? quarter : 65536;
}
// Whether the caller's frame lies in that reserve.
[[gnu::always_inline]] inline bool runs_on(reserve r, unsigned size_class) noexcept {
  const auto at = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  return at - reinterpret_cast<std::uintptr_t>(r) < class_bytes(size_class);
}
inline std::byte* stack_bottom(reserve r, unsigned size_class) noexcept { return r + guard_bytes(size_class); }
inline std::byte* stack_top(reserve r, unsigned size_class) noexcept { return r + class_bytes(size_class); }
constexpr std::size_t stack_bytes(unsigned size_class) noexcept {
  return class_bytes(size_class) - guard_bytes(size_class);
}

struct slab;

// All stacks of one size class that no worker holds. Thread-safe.
class stack_pool {
 public:
  constexpr stack_pool() noexcept = default;

  // Fills `out` with stacks and returns how many there were: fewer than asked for only where memory, address space or
  // mappings have run out.
  std::size_t take(unsigned size_class, std::span<reserve> out) noexcept;
  // Gives stacks back.
  void give(unsigned size_class, std::span<const reserve> stacks) noexcept;
  // Unmaps the slabs that have been wholly free since the last trim, but for one. Not part of give(), and not at the
  // first sight: a burst that ends would pay for it, and the next one again.
  void trim() noexcept;

 private:
  // A program that has taken so many stacks of one class will use the next batch too: it gets the memory of their
  // first pages by one system call, where each would have been a page fault.
  static constexpr std::size_t populate_from = 128;

  struct taken {
    std::size_t recycled = 0;
    std::size_t fresh = 0;
    bool of_many = false;  // see populate_from
  };
  taken take_from_slabs(unsigned size_class, std::span<reserve> out) noexcept;
  void count_free(int change) noexcept;
  void link(slab* s) noexcept;
  void unlink(slab* s) noexcept;

  detail::spin_lock guard_;
  // Guarded by guard_: slabs with a free reserve.
  slab* available_ = nullptr;
  // Guarded by guard_: how many stacks have been taken that had never been used before.
  std::size_t fresh_taken_ = 0;
  // How many of them are wholly free. Written under guard_; read without as a hint.
  std::atomic<std::size_t> free_slabs_ = 0;
};

// The pool of each size class. Constant-initialised, never destroyed.
extern std::array<stack_pool, stack_classes> stack_pools;

// Address space that the slabs have now. relaxed: a count.
extern std::atomic<std::size_t> mapped_stack_bytes;

// How many more slabs can be mapped; negative: as many as the kernel gives. For tests.
extern std::atomic<int> slabs_left;

// Calls visit for every slab that is mapped. While no other thread runs.
void for_each_slab(void (*visit)(const void* begin, std::size_t bytes, void* argument), void* argument) noexcept;

// Trims all of them.
void trim_stacks() noexcept;

}  // namespace gossamer::inline v0::machine
