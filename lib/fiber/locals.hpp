// locals: what few fibers have, so that it has no room in the record: the values of fiber-locals (of a plain thread
// too), a name, and labels. See gossamer/fiber_local.hpp and gossamer/debug.hpp.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gossamer/detail/local.hpp"

namespace gossamer::inline v0 {

namespace sched {
class bubble;
}

namespace detail {

struct fiber;

// Keys and values, sorted by key, for a fiber and those that it spawns. Never changed once it has been made.
struct label_set {
  std::vector<std::pair<std::string, std::string>> all;
  std::atomic<std::uint32_t> users{1};
};

// One reference more. In a signal handler too.
const label_set* keep(const label_set* labels) noexcept;
void drop(const label_set* labels) noexcept;

// A fiber's place in a bubble (sched/bubble.hpp), which it inherits from who has spawned it.
struct bubble_place {
  sched::bubble* of = nullptr;  // null: in none
  bool is_root = false;         // the one that drives it, and is not among its members
  bool is_main = false;         // the one whose end stops the clock
  bool durable = false;         // of a wait: nobody outside can end it. Set before it parks, cleared by who ends it
  // Guarded by the bubble.
  fiber* next = nullptr;
  fiber** link = nullptr;  // what points to it

  // relaxed, both: an inspector looks while a waker changes it.
  bool is_durable() const noexcept { return __atomic_load_n(&durable, __ATOMIC_RELAXED); }
  void set_durable(bool d) noexcept { __atomic_store_n(&durable, d, __ATOMIC_RELAXED); }
};

// Only its fiber changes it. An inspector reads name and labels while it holds the fiber, or in a signal handler that
// has interrupted it: so each is one pointer, to something that does not change.
struct local_table {
  // Indexed by key, as far as its fiber has used it.
  local_value** values = nullptr;
  std::uint32_t size = 0;
  local_value* newest = nullptr;
  const std::string* name = nullptr;  // null: it has none
  const label_set* labels = nullptr;
  bubble_place place;
};

inline constexpr std::uint32_t most_locals = 4096;

// Null if it has none.
local_value* find_local(const local_table* table, const local_key& key) noexcept;
// Makes `table` where it is null. Throws std::bad_alloc; panics if there are too many keys.
void add_local(local_table*& table, local_key& key, local_value* v);
// Makes `table` where it is null. Throws std::bad_alloc.
void name_it(local_table*& table, std::string_view name);
// Takes over a reference; null: no labels. Makes `table` where it is null. Throws std::bad_alloc.
void label_it(local_table*& table, const label_set* labels);
// Makes `table` where it is null. Throws std::bad_alloc.
void put_in_bubble(local_table*& table, const bubble_place& place);
// Destroys all values, the newest first, and those that are made meanwhile.
void destroy_values(local_table& table) noexcept;
// The same, and then the table, which becomes null.
void destroy_locals(local_table*& table) noexcept;

}  // namespace detail

}  // namespace gossamer::inline v0
