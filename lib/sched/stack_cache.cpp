// stack_cache: what it exchanges with the pools. See stack_cache.hpp.
#include "sched/stack_cache.hpp"

#include <span>

namespace gossamer::inline v0::sched {

machine::reserve stack_cache::fetch(unsigned size_class, bool common) noexcept {
  assert(count_ == 0 || class_ != size_class);
  std::array<machine::reserve, batch> out;
  const std::size_t n = machine::stack_pools[size_class].take(size_class, std::span(out).first(common ? batch : 1));
  if (n == 0) {
    return nullptr;
  }
  if (common && class_ != size_class) {
    flush();
    class_ = size_class;
  }
  for (std::size_t i = n; i > 1; --i) {
    push(out[i - 1]);
  }
  check_invariants();
  return out[0];
}

void stack_cache::give(machine::reserve r, unsigned size_class) noexcept {
  if (size_class != class_) {
    machine::stack_pools[size_class].give(size_class, std::span(&r, 1));
    return;
  }
  if (count_ == capacity) {
    check_invariants();
    machine::stack_pools[size_class].give(size_class, std::span(stacks_).subspan(oldest_, half));
    oldest_ = (oldest_ + half) % capacity;
    count_ -= half;
  }
  push(r);
}

void stack_cache::flush() noexcept {
  while (count_ > 0) {
    const machine::reserve r = pop();
    machine::stack_pools[class_].give(class_, std::span(&r, 1));
  }
  oldest_ = 0;
}

}  // namespace gossamer::inline v0::sched
