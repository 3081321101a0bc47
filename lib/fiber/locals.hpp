// locals: the values of the fiber-locals of one fiber or one plain thread. See gossamer/fiber_local.hpp.
#pragma once

#include <cstdint>

#include "gossamer/detail/local.hpp"

namespace gossamer::inline v0::detail {

// Indexed by key, as far as its fiber has used it.
struct local_table {
  local_value** values = nullptr;
  std::uint32_t size = 0;
  local_value* newest = nullptr;
};

inline constexpr std::uint32_t most_locals = 4096;

// Null if it has none.
local_value* find_local(const local_table* table, const local_key& key) noexcept;
// Makes `table` where it is null. Throws std::bad_alloc; panics if there are too many keys.
void add_local(local_table*& table, local_key& key, local_value* v);
// Destroys all values, the newest first, and those that are made meanwhile; then the table, which becomes null.
void destroy_locals(local_table*& table) noexcept;

}  // namespace gossamer::inline v0::detail
