// local: the untyped core of fiber_local.
#pragma once

#include <atomic>
#include <cstdint>

#include "config.hpp"

namespace gossamer::inline v0::detail {

// Which fiber-local: drawn at its first use, so that it may be used before its constructor has run (a constant one).
// 0: none yet.
using local_key = std::atomic<std::uint32_t>;

// One value of one fiber (or thread), in front of the value itself. Belongs to that fiber from local_add() on.
struct local_value {
  local_value* before = nullptr;  // made before this one
  std::uint32_t key = 0;
  void (*destroy)(local_value*) noexcept;

  explicit local_value(void (*d)(local_value*) noexcept) noexcept : destroy(d) {}
};

// The calling fiber's (or thread's) value; null if it has none yet.
GOSSAMER_API local_value* local_find(const local_key& key) noexcept;
// Makes `v` that value. Throws std::bad_alloc; panics where there are too many fiber_locals.
GOSSAMER_API void local_add(local_key& key, local_value* v);

}  // namespace gossamer::inline v0::detail
