// census: see census.hpp.
#include "debug/census.hpp"

#include <algorithm>
#include <functional>

#include "fiber/record_pool.hpp"
#include "machine/stack.hpp"

namespace gossamer::inline v0::debug {

std::uint64_t id_of(const fiber& f) noexcept {
  // acquire: pairs with the spawner's release, what it wrote is seen; and with the release at a fiber's end.
  const std::uint64_t id = f.id.load(std::memory_order_acquire);
  if (id == 0) {
    gossamer::detail::sanitizer_acquire(const_cast<fiber*>(&f));
  }
  return f.has(gossamer::detail::mark::abandoned) ? 0 : id;
}

census::census() {
  records.for_each([&](const fiber& f) {
    const std::uint64_t id = id_of(f);
    if (id == 0) {
      return;
    }
    if (const machine::reserve r = f.stack; r != nullptr) {
      stacks_.push_back({reinterpret_cast<std::uintptr_t>(r),
                         reinterpret_cast<std::uintptr_t>(machine::stack_top(r, f.size_class)), id});
    }
    if (f.state.load(std::memory_order_relaxed) == fiber_state::parked && f.object != nullptr) {
      objects_.push_back(f.object);
    }
  });
  std::sort(stacks_.begin(), stacks_.end(), [](const range& a, const range& b) { return a.begin < b.begin; });
  std::sort(objects_.begin(), objects_.end(), std::less<>());
}

std::uint64_t census::owner_of(const void* address) const noexcept {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  const auto after = std::upper_bound(stacks_.begin(), stacks_.end(), at,
                                      [](std::uintptr_t a, const range& r) { return a < r.begin; });
  return after != stacks_.begin() && at < (after - 1)->end ? (after - 1)->id : 0;
}

int census::waiters_of(const void* object) const noexcept {
  const auto [first, last] = std::equal_range(objects_.begin(), objects_.end(), object, std::less<>());
  return static_cast<int>(last - first);
}

}  // namespace gossamer::inline v0::debug
