// locals: see locals.hpp.
#include "fiber/locals.hpp"

#include <algorithm>
#include <cassert>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

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

local_table& made(local_table*& table) {
  if (table == nullptr) {
    table = new local_table;
  }
  return *table;
}

}  // namespace

const label_set* keep(const label_set* labels) noexcept {
  if (labels != nullptr) {
    // relaxed: the caller's fiber has a reference already.
    const_cast<label_set*>(labels)->users.fetch_add(1, std::memory_order_relaxed);
  }
  return labels;
}

void drop(const label_set* labels) noexcept {
  if (labels == nullptr) {
    return;
  }
  auto* const last = const_cast<label_set*>(labels);
  assert(last->users.load(std::memory_order_relaxed) > 0);  // relaxed: the caller's reference is one of them
  sanitizer_release(last);
  // acq_rel: the last one sees that all others have read what they wanted.
  if (last->users.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    sanitizer_acquire(last);
    delete last;
  }
}

void name_it(local_table*& table, std::string_view name) { made(table).name = new std::string(name); }

void put_in_bubble(local_table*& table, const bubble_place& place) { made(table).place = place; }

void label_it(local_table*& table, const label_set* labels) {
  struct reference {
    const label_set* to;
    ~reference() { drop(to); }
  } given{labels};
  local_table& t = made(table);
  const label_set* const before = t.labels;
  t.labels = std::exchange(given.to, nullptr);
  // A signal handler that comes here finds the new ones, or the old ones while they are there.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  drop(before);
}

local_value* find_local(const local_table* table, const local_key& key) noexcept {
  // relaxed: only a number, and this fiber knows it if it has a value.
  const std::uint32_t k = key.load(std::memory_order_relaxed);
  return table != nullptr && k < table->size ? table->values[k] : nullptr;
}

void add_local(local_table*& table, local_key& key, local_value* v) {
  const std::uint32_t k = draw(key);
  assert(k > 0 && k <= most_locals);
  made(table);
  if (k >= table->size) {
    const std::uint32_t size = std::max(2 * table->size, k + 4);
    auto* const values = new local_value* [size] {};
    std::copy_n(table->values, table->size, values);
    delete[] table->values;
    table->values = values;
    table->size = size;
  }
  assert(table->values[k] == nullptr);
  v->key = k;
  v->before = table->newest;
  table->newest = v;
  table->values[k] = v;
}

void destroy_values(local_table& table) noexcept {
  while (local_value* const v = table.newest) {
    table.newest = v->before;
    const std::uint32_t k = v->key;
    assert(k < table.size);
    v->destroy(v);  // it still finds itself
    if (table.values[k] == v) {
      table.values[k] = nullptr;
    }
  }
}

void destroy_locals(local_table*& table) noexcept {
  if (table == nullptr) {
    return;
  }
  destroy_values(*table);
  const local_table* const old = std::exchange(table, nullptr);
  std::atomic_signal_fence(std::memory_order_seq_cst);  // see label_it()
  drop(old->labels);
  delete old->name;
  delete[] old->values;
  delete old;
}

}  // namespace gossamer::inline v0::detail
