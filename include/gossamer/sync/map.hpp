// map: a map that may be used by all at once.
// Source: Go sync.Map. Differs: typed; a value that is found is copied out; `delete` is a keyword, so delete_.
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <source_location>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "../detail/config.hpp"
#include "../detail/equal_to.hpp"
#include "../detail/invoke.hpp"
#include "../detail/owner.hpp"
#include "../detail/readers.hpp"
#include "map_core.hpp"

namespace gossamer::inline v0::detail {

template <class V>
concept lock_free_value =
    std::is_trivially_copyable_v<V> && std::is_copy_constructible_v<V> && std::is_move_constructible_v<V> &&
    std::is_copy_assignable_v<V> && std::is_move_assignable_v<V> && std::atomic<V>::is_always_lock_free;

}  // namespace gossamer::inline v0::detail

namespace gossamer::inline v0::sync {

// Keys with a value each. Any fiber or thread may call anything at any time; all but range() is atomic. Looking takes
// no lock, waits for nobody and writes to no line that another worker writes to. Who changes something waits for others
// only where their keys share a part of the map.
// What stores a value happens-before what finds it. A value that was replaced or deleted, and its key, are destroyed by
// a later call or within some seconds (in a fiber of the runtime's), not before the call returns; what is in the map,
// and what was not destroyed by then, is destroyed with it. Not to be destroyed beside other calls. Hash, Eq and V's
// copy constructor must not block (it is fatal if the fiber has moved to another worker by that), nor call this map
// while something is changed. Constant-initialised: usable in globals before main().
template <class K, class V, class Hash = std::hash<K>, class Eq = std::equal_to<K>>
  requires std::copy_constructible<V> && std::is_nothrow_destructible_v<K> && std::is_nothrow_destructible_v<V>
class map {
 public:
  using key_type = K;
  using mapped_type = V;

  constexpr map() noexcept = default;
  constexpr explicit map(Hash hash, Eq eq = Eq()) : hash_(std::move(hash)), eq_(std::move(eq)) {}
  map(const map&) = delete;
  map& operator=(const map&) = delete;

  // The value of the key; empty if it has none. auto v = m.load(k) is Go's v, ok := m.Load(k).
  std::optional<V> load(const K& key) const {
    const std::uint64_t h = hash_of(key);
    const section inside;
    const node* const n = look(h, key);
    return n != nullptr ? std::optional<V>(n->value.get()) : std::nullopt;
  }
  // Whether it has one.
  bool contains(const K& key) const {
    const std::uint64_t h = hash_of(key);
    const section inside;
    return look(h, key) != nullptr;
  }

  // Sets the value of the key.
  void store(K key, V value, std::source_location where = std::source_location::current()) {
    const std::uint64_t h = hash_of(key);
    if constexpr (in_place) {
      if (replace(h, key, value, where)) {
        return;
      }
    }
    auto fresh = make(h, std::move(key), std::move(value));
    locked held(core_, h, where);
    put(held, find(held, h, fresh->key), fresh);
  }

  // The value that the key has, and true; if it has none: sets this one and returns it, and false.
  std::pair<V, bool> load_or_store(K key, V value, std::source_location where = std::source_location::current()) {
    const std::uint64_t h = hash_of(key);
    {
      const section inside;
      if (const node* n = look(h, key)) {
        return {n->value.get(), true};
      }
    }
    auto fresh = make(h, std::move(key), std::move(value));
    std::pair<V, bool> result{fresh->value.get(), false};
    locked held(core_, h, where);
    const place at = find(held, h, fresh->key);
    if (at.found != nullptr) {
      return {at.found->value.get(), true};
    }
    put(held, at, fresh);
    return result;
  }

  // Deletes the key, and returns the value that it had; empty if it had none.
  std::optional<V> load_and_delete(const K& key, std::source_location where = std::source_location::current()) {
    const std::uint64_t h = hash_of(key);
    if (!has(h, key)) {
      return std::nullopt;
    }
    locked held(core_, h, where);
    const place at = find(held, h, key);
    if (at.found == nullptr) {
      return std::nullopt;
    }
    std::optional<V> before(at.found->value.get());
    held.remove(*at.slot);
    return before;
  }
  void delete_(const K& key, std::source_location where = std::source_location::current()) {
    const std::uint64_t h = hash_of(key);
    if (!has(h, key)) {
      return;
    }
    locked held(core_, h, where);
    if (const place at = find(held, h, key); at.found != nullptr) {
      held.remove(*at.slot);
    }
  }

  // Sets the value, and returns the one before; empty if there was none.
  std::optional<V> swap(K key, V value, std::source_location where = std::source_location::current()) {
    const std::uint64_t h = hash_of(key);
    if constexpr (in_place) {
      if (auto before = replace(h, key, value, where)) {
        return before;
      }
    }
    auto fresh = make(h, std::move(key), std::move(value));
    locked held(core_, h, where);
    const place at = find(held, h, fresh->key);
    std::optional<V> before;
    if (at.found != nullptr) {
      before.emplace(at.found->value.get());
    }
    put(held, at, fresh);
    return before;
  }

  // Sets the value to `fresh_value` if the key has the value `old`; whether it did.
  bool compare_and_swap(K key, const V& old, V fresh_value,
                        std::source_location where = std::source_location::current())
    requires std::equality_comparable<V>
  {
    const std::uint64_t h = hash_of(key);
    if (!has_value(h, key, old)) {
      return false;
    }
    if constexpr (in_place) {
      return change(h, key, fresh_value, where, [&old](const V& now) { return now == old; }).has_value();
    } else {
      auto fresh = make(h, std::move(key), std::move(fresh_value));
      locked held(core_, h, where);
      const place at = find(held, h, fresh->key);
      const bool same = at.found != nullptr && at.found->value.get() == old;
      if (same) {
        put(held, at, fresh);
      }
      return same;
    }
  }
  // Deletes the key if it has the value `old`; whether it did.
  bool compare_and_delete(const K& key, const V& old, std::source_location where = std::source_location::current())
    requires std::equality_comparable<V>
  {
    const std::uint64_t h = hash_of(key);
    if (!has_value(h, key, old)) {
      return false;
    }
    locked held(core_, h, where);
    const place at = find(held, h, key);
    if (at.found == nullptr || !(at.found->value.get() == old)) {
      return false;
    }
    held.remove(*at.slot);
    return true;
  }

  // Calls visit(key, value) for each key, in no order, until one call returns false (if it returns a bool). No instant:
  // each key is visited at most once, with a value that it had during the call; one that is there throughout is
  // visited. visit may block, and may call everything of this map. References are good during that call of visit.
  template <class F>
    requires std::invocable<F&, const K&, const V&>
  void range(F&& visit) const {
    for (std::size_t i = 0; i < core_.shards(); ++i) {
      const holding nodes(core_, i);
      for (std::size_t j = 0; j < nodes.size; ++j) {
        const node& n = *static_cast<const node*>(nodes.all[j]);
        decltype(auto) value = n.value.get();
        if constexpr (std::convertible_to<std::invoke_result_t<F&, const K&, const V&>, bool>) {
          if (!detail::invoke(visit, n.key, std::as_const(value))) {
            return;
          }
        } else {
          detail::invoke(visit, n.key, std::as_const(value));
        }
      }
    }
  }

  // Deletes all keys, at one instant.
  void clear(std::source_location where = std::source_location::current()) { core_.clear(where); }

 private:
  // What a node holds of a value: a small one is changed where it is, for any other there is another node.
  static constexpr bool in_place = detail::lock_free_value<V>;
  struct fixed_cell {
    const V& get() const noexcept { return value; }
    const V value;
  };
  struct variable_cell {
    // acquire and release: what stores a value happens before what finds it.
    V get() const noexcept { return value.load(std::memory_order_acquire); }
    void set(V v) noexcept { value.store(v, std::memory_order_release); }
    std::atomic<V> value;
  };
  using cell = std::conditional_t<in_place, variable_cell, fixed_cell>;

  struct node final : detail::map_node {
    node(std::uint64_t h, K&& k, V&& v) : map_node(h, drop), key(std::move(k)), value{std::move(v)} {}
    // acq_rel: what others did with it happens before its end.
    static void drop(detail::garbage* g) noexcept {
      auto* const n = static_cast<node*>(g);
      if (n->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        delete n;
      }
    }
    const K key;
    cell value;
  };

  // References to the nodes of one shard.
  struct holding {
    holding(detail::map_core& core, std::size_t shard) {
      for (std::size_t room = 0;; room = size) {
        all.resize(room);
        size = core.hold_all(shard, all.data(), room);
        if (size <= room) {
          return;
        }
      }
    }
    holding(const holding&) = delete;
    holding& operator=(const holding&) = delete;
    ~holding() {
      for (std::size_t i = 0; i < size; ++i) {
        node::drop(all[i]);
      }
    }
    std::vector<detail::map_node*> all;
    std::size_t size = 0;
  };

  // Where a key is, or what belongs there: the slot if there was one with its hash.
  struct place {
    detail::map_slot* slot = nullptr;
    node* found = nullptr;
  };

  using locked = detail::map_core::locked;
  // Comparing and copying what is trivial does not block.
  using section = detail::read_section<!(std::is_trivially_copyable_v<K> && std::is_trivially_copyable_v<V> &&
                                         std::same_as<Eq, std::equal_to<K>>)>;

  std::uint64_t hash_of(const K& key) const { return detail::map_core::mixed(std::uint64_t{hash_(key)}); }
  static detail::owner<node> make(std::uint64_t h, K&& key, V&& value) {
    return detail::owner<node>(new node(h, std::move(key), std::move(value)));
  }

  place search(const detail::map_table* t, std::uint64_t h, const K& key) const {
    place at;
    if (t == nullptr) {
      return at;
    }
    for (std::size_t i = t->home(h);; i = (i + 1) & t->mask) {
      detail::map_slot& slot = t->slots[i];
      // acquire, both: pair with the releases of fill().
      const std::uint64_t its = slot.hash.load(std::memory_order_acquire);
      if (its == 0) [[unlikely]] {
        return at;
      }
      if (its == h) {
        node* const n = static_cast<node*>(slot.node.load(std::memory_order_acquire));
        if (n == nullptr) {
          at.slot = &slot;
        } else if (eq_(n->key, key)) {
          return {&slot, n};
        }
      }
    }
  }
  const node* look(std::uint64_t h, const K& key) const {
    const detail::map_root* const root = core_.root();
    return root != nullptr ? search(detail::map_core::table_of(*root, h), h, key).found : nullptr;
  }
  bool has(std::uint64_t h, const K& key) const {
    const section inside;
    return look(h, key) != nullptr;
  }
  bool has_value(std::uint64_t h, const K& key, const V& value) const {
    const section inside;
    const node* const n = look(h, key);
    return n != nullptr && n->value.get() == value;
  }
  place find(const locked& held, std::uint64_t h, const K& key) const { return search(held.table(), h, key); }
  // Changes the value of a key that has one which may() is true of, and returns what it was. Only with its part of the
  // map locked may a node that is in the map change.
  template <class May>
  std::optional<V> change(std::uint64_t h, const K& key, V value, const std::source_location& where, May may)
    requires in_place
  {
    const locked held(core_, h, where);
    const place at = find(held, h, key);
    if (at.found == nullptr) {
      return std::nullopt;
    }
    const V before = at.found->value.get();
    if (!may(before)) {
      return std::nullopt;
    }
    at.found->value.set(value);
    return before;
  }
  // The same, for a key that most likely has a value.
  std::optional<V> replace(std::uint64_t h, const K& key, V value, const std::source_location& where)
    requires in_place
  {
    return has(h, key) ? change(h, key, value, where, [](const V&) { return true; }) : std::nullopt;
  }
  // Nothing has changed if it throws.
  static void put(locked& held, place at, detail::owner<node>& fresh) {
    if (at.found != nullptr) {
      if constexpr (in_place) {
        at.found->value.set(fresh->value.get());
      } else {
        held.replace(*at.slot, fresh.release());
      }
      return;
    }
    if (at.slot == nullptr) {
      held.make_room();
    }
    held.insert(at.slot, fresh.release());
  }

  [[no_unique_address]] Hash hash_;
  [[no_unique_address]] Eq eq_;
  // load() and range() are const to the user, and change nothing but references.
  mutable detail::map_core core_;
};

}  // namespace gossamer::inline v0::sync
