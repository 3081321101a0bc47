// map: a map that may be used by all at once.
// Source: Go sync.Map. Differs: typed; a value that is found is copied out; `delete` is a keyword, so delete_.
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "../detail/config.hpp"
#include "../detail/equal_to.hpp"
#include "../detail/invoke.hpp"
#include "../detail/owner.hpp"
#include "map_core.hpp"

namespace gossamer::inline v0::detail {

template <class V>
concept lock_free_value =
    std::is_trivially_copyable_v<V> && std::is_copy_constructible_v<V> && std::is_move_constructible_v<V> &&
    std::is_copy_assignable_v<V> && std::is_move_assignable_v<V> && std::atomic<V>::is_always_lock_free;

}  // namespace gossamer::inline v0::detail

namespace gossamer::inline v0::sync {

// Keys with a value each. Any fiber or thread may call anything at any time; all but range() is atomic. A call holds
// one of the map's parts for some nanoseconds, and meanwhile others wait whose keys lie in that part; growing and
// range() hold a part for some nanoseconds a key that is in it, and clear() all of them. What stores a value
// happens-before what finds it. A value that was replaced or deleted, and its key, are destroyed before the call
// returns; or, if another call is visiting or copying it just then, by that one. Not to be destroyed beside other
// calls. Eq, V's comparison and a copy constructor of V's that is noexcept run inside: they must neither make calls
// that may block nor call this map, which is fatal where it is noticed. Hash, other copy constructors and destructors
// may do anything; where a copy constructor throws, what the call was to change has been changed. What inserts throws
// std::bad_alloc where there is no memory, and has done nothing then. Constant-initialised: usable in globals before
// main().
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
    shard* const s = core_.shard_of(h);
    if (s == nullptr) {
      return std::nullopt;
    }
    result value(*s);
    {
      locked held(*s);
      value.set(held, find(*s, h, key).found);
    }
    return value.take();
  }
  // Whether it has one.
  bool contains(const K& key) const {
    return check(hash_of(key), key, [](const node&) { return true; });
  }

  // Sets the value of the key.
  void store(K key, V value) {
    const std::uint64_t h = hash_of(key);
    if constexpr (in_place) {
      if (change(h, key, value, always)) {
        return;
      }
    }
    auto fresh = make(h, std::move(key), std::move(value));
    shard& s = core_.made_shard_of(h);
    locked held(s, with_room());
    put(held, find(s, h, fresh->key), fresh);
  }

  // The value that the key has, and true; if it has none: sets this one and returns it, and false.
  std::pair<V, bool> load_or_store(K key, V value) {
    const std::uint64_t h = hash_of(key);
    shard& s = core_.made_shard_of(h);
    result before(s);
    {
      locked held(s);
      before.set(held, find(s, h, key).found);
    }
    if (std::optional<V> v = before.take()) {
      return {*std::move(v), true};
    }
    auto fresh = make(h, std::move(key), std::move(value));
    std::pair<V, bool> stored{fresh->value.get(), false};
    {
      locked held(s, with_room());
      const place at = find(s, h, fresh->key);
      before.set(held, at.found);
      if (at.found == nullptr) {
        put(held, at, fresh);
        return stored;
      }
    }
    return {*before.take(), true};
  }

  // Deletes the key, and returns the value that it had; empty if it had none.
  std::optional<V> load_and_delete(const K& key) {
    const std::uint64_t h = hash_of(key);
    shard* const s = core_.shard_of(h);
    if (s == nullptr) {
      return std::nullopt;
    }
    result before(*s);
    {
      locked held(*s);
      const place at = find(*s, h, key);
      before.set(held, at.found);
      if (at.found != nullptr) {
        held.remove(*at.slot);
      }
    }
    return before.take();
  }
  void delete_(const K& key) {
    remove_if(hash_of(key), key, [](const node&) { return true; });
  }

  // Sets the value, and returns the one before; empty if there was none.
  std::optional<V> swap(K key, V value) {
    const std::uint64_t h = hash_of(key);
    if constexpr (in_place) {
      if (auto before = change(h, key, value, always)) {
        return before;
      }
    }
    auto fresh = make(h, std::move(key), std::move(value));
    shard& s = core_.made_shard_of(h);
    result before(s);
    {
      locked held(s, with_room());
      const place at = find(s, h, fresh->key);
      before.set(held, at.found);
      put(held, at, fresh);
    }
    return before.take();
  }

  // Sets the value to `fresh_value` if the key has the value `old`; whether it did.
  bool compare_and_swap(K key, const V& old, V fresh_value)
    requires std::equality_comparable<V>
  {
    const std::uint64_t h = hash_of(key);
    const auto is_old = [&old](const auto& now) { return now == old; };
    if constexpr (in_place) {
      return change(h, key, fresh_value, is_old).has_value();
    } else {
      if (!check(h, key, [&](const node& n) { return is_old(n.value.get()); })) {
        return false;
      }
      auto fresh = make(h, std::move(key), std::move(fresh_value));
      shard& s = *core_.shard_of(h);
      locked held(s);
      const place at = find(s, h, fresh->key);
      const bool same = at.found != nullptr && is_old(at.found->value.get());
      if (same) {
        put(held, at, fresh);
      }
      return same;
    }
  }
  // Deletes the key if it has the value `old`; whether it did.
  bool compare_and_delete(const K& key, const V& old)
    requires std::equality_comparable<V>
  {
    return remove_if(hash_of(key), key, [&old](const node& n) { return n.value.get() == old; });
  }

  // Calls visit(key, value) for each key, in no order, until one call returns false (if it returns a bool). No instant:
  // each key is visited at most once, with a value that it had during the call; one that is there throughout is
  // visited. visit may block, and may call everything of this map. References are good during that call of visit.
  template <class F>
    requires std::invocable<F&, const K&, const V&>
  void range(F&& visit) const {
    for (std::size_t i = 0; i < core_.shards(); ++i) {
      const holding nodes(core_.all()[i]);
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
  void clear() { core_.clear(); }

 private:
  // What a node holds of a value: a small one is changed where it is, for any other there is another node.
  static constexpr bool in_place = detail::lock_free_value<V>;
  // Others may take long to copy: not while their shard is locked.
  static constexpr bool copied_inside = in_place || std::is_nothrow_copy_constructible_v<V>;
  // Comparing and copying what is trivial is no users' code.
  static constexpr bool runs_users_code =
      !(std::is_trivially_copyable_v<K> && std::is_trivially_copyable_v<V> && std::same_as<Eq, std::equal_to<K>>);
  static constexpr auto always = [](const V&) { return true; };

  using shard = detail::map_shard;
  using locked = detail::map_lock<runs_users_code>;
  using with_room = typename locked::with_room;

  struct fixed_cell {
    const V& get() const noexcept { return value; }
    const V value;
  };
  struct variable_cell {
    // Written with the shard locked; range() reads it without. acquire and release: what stores a value happens before
    // what finds it.
    V get() const noexcept { return value.load(std::memory_order_acquire); }
    void set(V v) noexcept { value.store(v, std::memory_order_release); }
    std::atomic<V> value;
  };
  using cell = std::conditional_t<in_place, variable_cell, fixed_cell>;

  struct node final : detail::map_node {
    node(std::uint64_t h, K&& k, V&& v) : map_node(h, destroy_it), key(std::move(k)), value{std::move(v)} {}
    static void destroy_it(detail::garbage* g) noexcept { delete static_cast<node*>(g); }
    const K key;
    cell value;
  };

  // The value that a call has found with the shard locked, and returns when it is not locked any more.
  class result {
   public:
    explicit result(shard& s) noexcept : shard_(s) {}
    result(const result&) = delete;
    result& operator=(const result&) = delete;
    ~result() {
      if constexpr (!copied_inside) {
        if (node_ != nullptr) {
          detail::map_node* const n = node_;
          shard_.drop_all(&n, 1);
        }
      }
    }
    void set(locked& held, node* n) noexcept {
      if (n == nullptr) {
        return;
      }
      if constexpr (copied_inside) {
        value_.emplace(n->value.get());
      } else {
        held.hold(n);
        node_ = n;
      }
    }
    std::optional<V> take() {
      if constexpr (copied_inside) {
        return std::move(value_);
      } else {
        return node_ != nullptr ? std::optional<V>(node_->value.get()) : std::nullopt;
      }
    }

   private:
    shard& shard_;
    node* node_ = nullptr;
    std::optional<V> value_;
  };

  // References to the nodes of one shard.
  struct holding {
    explicit holding(shard& s) : of(s) {
      for (std::size_t room = 0;; room = size) {
        all.resize(room);
        size = s.hold_all(all.data(), room);
        if (size <= room) {
          return;
        }
      }
    }
    holding(const holding&) = delete;
    holding& operator=(const holding&) = delete;
    ~holding() { of.drop_all(all.data(), size); }

    shard& of;
    std::vector<detail::map_node*> all;
    std::size_t size = 0;
  };

  // Where a key is, or what belongs there: the slot if there was one with its hash.
  struct place {
    detail::map_slot* slot = nullptr;
    node* found = nullptr;
  };

  std::uint64_t hash_of(const K& key) const { return detail::map_core::mixed(std::uint64_t{hash_(key)}); }
  static detail::owner<node> make(std::uint64_t h, K&& key, V&& value) {
    return detail::owner<node>(new node(h, std::move(key), std::move(value)));
  }

  // All below with the shard locked, or locking it.
  place find(const shard& s, std::uint64_t h, const K& key) const {
    const detail::map_table& t = s.table;
    place at;
    if (t.slots == nullptr) {
      return at;
    }
    for (std::size_t i = t.home(h);; i = (i + 1) & t.mask) {
      detail::map_slot& slot = t.slots[i];
      if (slot.hash == 0) [[unlikely]] {
        return at;
      }
      if (slot.hash == h) {
        node* const n = static_cast<node*>(slot.node);
        if (n == nullptr) {
          at.slot = &slot;
        } else if (eq_(n->key, key)) {
          return {&slot, n};
        }
      }
    }
  }
  // Whether the key has a value, and is_it() is true of its node.
  template <class Is>
  bool check(std::uint64_t h, const K& key, Is is_it) const {
    shard* const s = core_.shard_of(h);
    if (s == nullptr) {
      return false;
    }
    const locked held(*s);
    const node* const n = find(*s, h, key).found;
    return n != nullptr && is_it(*n);
  }
  // Deletes it if so.
  template <class Is>
  bool remove_if(std::uint64_t h, const K& key, Is is_it) {
    shard* const s = core_.shard_of(h);
    if (s == nullptr) {
      return false;
    }
    locked held(*s);
    const place at = find(*s, h, key);
    if (at.found == nullptr || !is_it(*at.found)) {
      return false;
    }
    held.remove(*at.slot);
    return true;
  }
  // Changes the value of a key that has one which may() is true of, and returns what it was.
  template <class May>
  std::optional<V> change(std::uint64_t h, const K& key, V value, May may)
    requires in_place
  {
    shard* const s = core_.shard_of(h);
    if (s == nullptr) {
      return std::nullopt;
    }
    const locked held(*s);
    node* const n = find(*s, h, key).found;
    if (n == nullptr) {
      return std::nullopt;
    }
    const V before = n->value.get();
    if (!may(before)) {
      return std::nullopt;
    }
    n->value.set(value);
    return before;
  }
  static void put(locked& held, place at, detail::owner<node>& fresh) noexcept {
    if (at.found == nullptr) {
      held.insert(at.slot, fresh.release());
    } else if constexpr (in_place) {
      at.found->value.set(fresh->value.get());
    } else {
      held.replace(*at.slot, fresh.release());
    }
  }

  [[no_unique_address]] Hash hash_;
  [[no_unique_address]] Eq eq_;
  // load() and range() are const to the user, and change nothing but locks and references.
  mutable detail::map_core core_;
};

}  // namespace gossamer::inline v0::sync
