// locals: see locals.hpp.
#include "fiber/locals.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>

#include "gossamer/detail/spin_lock.hpp"
#include "gossamer/panic.hpp"

namespace gossamer::inline v0::detail {

namespace {

constinit spin_lock keys_guard;
std::uint32_t keys = 0;  // drawn so far. Guarded by keys_guard

std::uint32_t draw(local_key& key) {
  {
    const std::scoped_lock hold(keys_guard);
    const std::uint32_t drawn = key.load(std::memory_order_relaxed);  // relaxed: only a number
    if (drawn != 0) {
      return drawn;
    }
    if (keys < most_locals) {
      key.store(++keys, std::memory_order_relaxed);
      return keys;
    }
  }
  panic("gossamer: more than " + std::to_string(most_locals) + " fiber_locals");
}

}  // namespace

local_value* find_local(const local_table* table, const local_key& key) noexcept {
  // relaxed: only a number, and this fiber knows it if it has a value.
  const std::uint32_t k = key.load(std::memory_order_relaxed);
  return table != nullptr && k < table->size ? table->values[k] : nullptr;
}

void add_local(local_table*& table, local_key& key, local_value* v) {
  const std::uint32_t k = draw(key);
  if (table == nullptr) {
    table = new local_table;
  }
  if (k >= table->size) {
    const std::uint32_t size = std::max(2 * table->size, k + 4);
    auto* const values = new local_value* [size] {};
    std::copy_n(table->values, table->size, values);
    delete[] table->values;
    table->values = values;
    table->size = size;
  }
  v->key = k;
  v->before = table->newest;
  table->newest = v;
  table->values[k] = v;
}

void destroy_locals(local_table*& table) noexcept {
  if (table == nullptr) {
    return;
  }
  while (local_value* const v = table->newest) {
    table->newest = v->before;
    const std::uint32_t k = v->key;
    v->destroy(v);  // it still finds itself
    if (table->values[k] == v) {
      table->values[k] = nullptr;
    }
  }
  delete[] table->values;
  delete table;
  table = nullptr;
}

}  // namespace gossamer::inline v0::detail
