// pool_core: the part of sync::pool<T> that does not depend on T.
//
// Each worker has a cache: a place for one value that is its own, used without a locked instruction, and a list under a
// lock, from which the others may take. Plain threads and workers beyond the last cache use lists only.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "config.hpp"
#include "garbage.hpp"
#include "own_place.hpp"
#include "relaxed.hpp"
#include "spin_lock.hpp"
#include "tenant.hpp"

namespace gossamer::inline v0::detail {

// What is to be known of T.
struct pool_type {
  std::size_t size;
  std::size_t align;
  void (*move)(void* to, void* from) noexcept;  // constructs *to, destroys *from
  void (*destroy)(void* value) noexcept;
  void (*destroy_node)(garbage* node) noexcept;  // with its value; by pool_core::free_node()
};

class GOSSAMER_API pool_core : private tenant {
 public:
  struct alignas(64) cache {
    // The owner's: the worker of that index. A visitor takes its value only while `revoked`, and the section not
    // `busy`: the owner sets busy before it looks at revoked, the visitor the other way round (own_place.hpp).
    std::atomic<bool> busy{false};
    std::atomic<bool> revoked{false};
    std::atomic<bool> full{false};
    std::atomic<bool> touched{false};  // since the last visit

    spin_lock guard;
    // Under guard.
    garbage* values = nullptr;       // the one put last is first
    relaxed<std::size_t> count = 0;  // of them; looked at without it, too
    std::size_t least = 0;           // the smallest count since the last visit: so many have not been used
    garbage* empty = nullptr;        // nodes without a value
    std::size_t empty_count = 0;
  };
  // Nodes without a value that a cache keeps.
  static constexpr std::size_t most_empty = 64;

  constexpr explicit pool_core(const pool_type& type) noexcept : tenant(visit), type_(type) {}
  ~pool_core();

  // The caller's own cache, to be left again without blocking; null where it has none, or may not use it now.
  cache* enter() noexcept {
    // acquire: pairs with the release in make_caches().
    cache* const all = caches_.load(std::memory_order_acquire);
    if (all == nullptr) {
      return nullptr;
    }
    const auto i = static_cast<std::size_t>(worker_index());
    if (i >= cache_count_) {
      return nullptr;
    }
    cache* const c = at(all, i);
    // acquire: pairs with the release in leave(). Already busy: T's move uses the pool, or has blocked.
    if (c->busy.load(std::memory_order_acquire)) {
      return nullptr;
    }
    c->busy.store(true, std::memory_order_relaxed);  // ordered by the barrier
    light_barrier();
    // acquire: pairs with the release of the visitor that gives it back.
    if (c->revoked.load(std::memory_order_acquire)) {
      leave(c);
      return nullptr;
    }
    return c;
  }
  // release: pairs with the acquires of the owner's next enter() and of a visitor.
  static void leave(cache* c) noexcept { c->busy.store(false, std::memory_order_release); }
  void* own_value(cache* c) const noexcept { return reinterpret_cast<std::byte*>(c) + own_offset(type_); }

  // In the own cache. relaxed, all: only its worker writes them while it is inside; a visitor's look is a hint.
  static bool is_full(const cache* c) noexcept { return c->full.load(std::memory_order_relaxed); }
  // True if want_visits() is to be called, once it has been left: visitors may be waiting for that.
  [[nodiscard]] static bool set_full(cache* c, bool yes) noexcept {
    c->full.store(yes, std::memory_order_relaxed);
    return touch(c);
  }
  using tenant::want_visits;

  // Moves a value out of some list to `to`, the caller's own list first; false if there is none.
  bool take(void* to) noexcept;
  // Moves *from into a list. Where there is no memory for it the value is destroyed.
  void give(void* from) noexcept;
  // Makes the caches, if there are none. False where there is no memory.
  bool make_caches() noexcept;

  static void free_node(garbage* node, const pool_type& type) noexcept;
  static constexpr std::size_t round_up(std::size_t n, std::size_t to) noexcept { return (n + to - 1) / to * to; }
  static constexpr std::size_t node_offset(const pool_type& t) noexcept { return round_up(sizeof(garbage), t.align); }

 private:
  static constexpr std::size_t own_offset(const pool_type& t) noexcept { return round_up(sizeof(cache), t.align); }
  static constexpr std::size_t cache_align(const pool_type& t) noexcept {
    return t.align > alignof(cache) ? t.align : alignof(cache);
  }
  static bool visit(tenant& self, garbage_list& out) noexcept;
  // True if nobody has since the last visit. relaxed: a hint to the visitor.
  static bool touch(cache* c) noexcept {
    if (c->touched.load(std::memory_order_relaxed)) [[likely]] {
      return false;
    }
    c->touched.store(true, std::memory_order_relaxed);
    return true;
  }

  cache* at(cache* all, std::size_t i) const noexcept {
    return reinterpret_cast<cache*>(reinterpret_cast<std::byte*>(all) + i * stride_);
  }
  std::size_t near() const noexcept;
  garbage* new_node() const noexcept;
  bool take_from(cache* c, void* to) noexcept;
  static bool take_unused(cache* c, garbage_list& out) noexcept;
  void take_own_unused(cache* all, garbage_list& out) noexcept;

  const pool_type& type_;
  std::atomic<cache*> caches_{nullptr};
  // Written before caches_.
  std::size_t cache_count_ = 0;
  std::size_t stride_ = 0;
  spin_lock making_;
};

}  // namespace gossamer::inline v0::detail
