// stack_cache: a worker's free stacks, hottest last in first out, so that a fiber that starts finds a stack whose top
// is in the processor's cache. They are of one size class; those of others go to and come from the pools.
//
// By its worker alone, on any of its stacks.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>

#include "machine/stack.hpp"

namespace gossamer::inline v0::sched {

class stack_cache {
 public:
  static constexpr std::size_t capacity = 128;
  // How many are fetched from the pool at once.
  static constexpr std::size_t batch = 32;

  stack_cache() noexcept = default;
  stack_cache(const stack_cache&) = delete;
  stack_cache& operator=(const stack_cache&) = delete;

  // The stack that came back last; null where there is none of that class here.
  machine::reserve take_hot(unsigned size_class) noexcept {
    return count_ != 0 && size_class == class_ ? pop() : nullptr;
  }
  // A stack from the pool; null where there is none to be had. With `common` a batch is fetched, and from then on
  // stacks of this class are kept. Called where take_hot() has found none.
  machine::reserve fetch(unsigned size_class, bool common) noexcept;
  // A stack that a fiber has left for good.
  void give(machine::reserve r, unsigned size_class) noexcept;
  // All of them go back to the pool.
  void flush() noexcept;

  std::size_t size() const noexcept { return count_; }

 private:
  static constexpr std::size_t half = capacity / 2;

  void push(machine::reserve r) noexcept { stacks_[(oldest_ + count_++) % capacity] = r; }
  machine::reserve pop() noexcept { return stacks_[(oldest_ + --count_) % capacity]; }
  // The coldest half lies in one piece.
  void check_invariants() const noexcept { assert(count_ <= capacity && oldest_ % half == 0 && oldest_ < capacity); }

  // A circular buffer: count_ stacks of size class class_, the oldest (coldest) at oldest_.
  unsigned class_ = 0;
  std::size_t oldest_ = 0;
  std::size_t count_ = 0;
  std::array<machine::reserve, capacity> stacks_;
};

}  // namespace gossamer::inline v0::sched
