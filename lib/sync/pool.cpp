// pool: see gossamer/sync/pool.hpp and gossamer/detail/pool_core.hpp.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <new>

#include "gossamer/detail/pool_core.hpp"
#include "sched/park.hpp"

namespace gossamer::inline v0::detail {

namespace {

void* value_of(garbage* node, const pool_type& type) noexcept {
  return reinterpret_cast<std::byte*>(node) + pool_core::node_offset(type);
}

std::align_val_t node_align(const pool_type& type) noexcept {
  return std::align_val_t{type.align > alignof(garbage) ? type.align : alignof(garbage)};
}

void free_empty(garbage* node, const pool_type& type) noexcept {
  node->~garbage();
  ::operator delete(node, node_align(type));
}

garbage* pop(garbage*& list) noexcept {
  garbage* const g = list;
  if (g != nullptr) {
    list = g->next;
  }
  return g;
}

void push(garbage*& list, garbage* g) noexcept {
  g->next = list;
  list = g;
}

// How long a visitor waits for an owner to come out of its cache: some hundred microseconds, with the owner's thread
// preempted there.
constexpr int visitor_turns = 2000;

}  // namespace

bool pool_core::make_caches() noexcept {
  making_.lock();
  cache* all = caches_.load(std::memory_order_relaxed);  // relaxed: written under making_
  if (all == nullptr) {
    const std::size_t stride = round_up(own_offset(type_) + type_.size, cache_align(type_));
    const std::size_t count = std::bit_ceil(static_cast<std::size_t>(sched::procs()));
    auto* const room =
        static_cast<std::byte*>(::operator new(stride * count, std::align_val_t{cache_align(type_)}, std::nothrow));
    if (room != nullptr) {
      for (std::size_t i = 0; i < count; ++i) {
        ::new (static_cast<void*>(room + i * stride)) cache();
      }
      cache_count_ = count;
      stride_ = stride;
      all = reinterpret_cast<cache*>(room);
      // release: pairs with the acquires in enter(), take() and give(): the caches, their number and their size.
      caches_.store(all, std::memory_order_release);
    }
  }
  making_.unlock();
  return all != nullptr;
}

pool_core::~pool_core() {
  end_visits();
  cache* const all = caches_.load(std::memory_order_acquire);
  if (all == nullptr) {
    return;
  }
  for (std::size_t i = 0; i < cache_count_; ++i) {
    cache* const c = at(all, i);
    if (is_full(c)) {
      type_.destroy(own_value(c));
    }
    while (garbage* g = pop(c->values)) {
      g->destroy(g);
    }
    while (garbage* g = pop(c->empty)) {
      free_empty(g, type_);
    }
    c->~cache();
  }
  ::operator delete(all, std::align_val_t{cache_align(type_)});
}

void pool_core::free_node(garbage* node, const pool_type& type) noexcept {
  type.destroy(value_of(node, type));
  free_empty(node, type);
}

garbage* pool_core::new_node() const noexcept {
  void* const room = ::operator new(node_offset(type_) + type_.size, node_align(type_), std::nothrow);
  return room != nullptr ? ::new (room) garbage{nullptr, type_.destroy_node} : nullptr;
}

// The list that the caller tries first.
std::size_t pool_core::near() const noexcept {
  const int i = worker_index();
  return (i >= 0 ? static_cast<std::size_t>(i) : sched::random_below(static_cast<std::uint32_t>(cache_count_))) %
         cache_count_;
}

bool pool_core::take_from(cache* c, void* to) noexcept {
  garbage* const node = pop(c->values);
  if (node == nullptr) {
    return false;
  }
  c->count = c->count - 1;
  c->least = std::min<std::size_t>(c->least, c->count);
  type_.move(to, value_of(node, type_));
  if (c->empty_count < most_empty) {
    push(c->empty, node);
    ++c->empty_count;
    return true;
  }
  free_empty(node, type_);
  return true;
}

bool pool_core::take(void* to) noexcept {
  cache* const all = caches_.load(std::memory_order_acquire);
  if (all == nullptr) {
    return false;
  }
  const std::size_t first = near();
  for (std::size_t i = 0; i < cache_count_; ++i) {
    cache* const c = at(all, (first + i) % cache_count_);
    // The first is mostly the caller's own. Of the others, one that is busy is passed over: to make a value is better
    // than to wait for one.
    if (c->count == 0 || (i > 0 && !c->guard.try_lock())) {
      continue;
    }
    if (i == 0) {
      c->guard.lock();
    }
    const bool found = take_from(c, to);
    c->guard.unlock();
    if (found) {
      return true;
    }
  }
  return false;
}

void pool_core::give(void* from) noexcept {
  if (caches_.load(std::memory_order_acquire) == nullptr) {
    if (!make_caches()) {
      type_.destroy(from);
      return;
    }
    // The first value goes where the next get() looks first.
    cache* const c = enter();
    if (c != nullptr && is_full(c)) {
      leave(c);
    } else if (c != nullptr) {
      type_.move(own_value(c), from);
      static_cast<void>(set_full(c, true));
      leave(c);
      want_visits();
      return;
    }
  }
  cache* const c = at(caches_.load(std::memory_order_acquire), near());
  c->guard.lock();
  garbage* node = pop(c->empty);
  if (node != nullptr) {
    --c->empty_count;
  } else {
    c->guard.unlock();
    node = new_node();
    if (node == nullptr) {
      type_.destroy(from);
      return;
    }
    c->guard.lock();
  }
  type_.move(value_of(node, type_), from);
  push(c->values, node);
  c->count = c->count + 1;
  c->guard.unlock();
  if (touch(c)) {
    want_visits();
  }
}

// Those of the list that were not used since the last visit, from its end if some were, and the empty nodes. True if
// values are left.
bool pool_core::take_unused(cache* c, garbage_list& out) noexcept {
  c->guard.lock();
  garbage** from = &c->values;
  for (std::size_t used = c->count - c->least; used > 0; --used) {
    from = &(*from)->next;
  }
  garbage* unused = *from;
  *from = nullptr;
  c->count = c->count - c->least;
  c->least = c->count;
  const bool left = c->count > 0;
  c->guard.unlock();
  while (garbage* g = pop(unused)) {
    out.push(g);
  }
  return left;
}

// The values in own places that were not used since the last visit. They are hidden from their owners only for that
// moment, and all at once: the barrier interrupts every thread.
void pool_core::take_own_unused(cache* all, garbage_list& out) noexcept {
  bool any = false;
  for (std::size_t i = 0; i < cache_count_; ++i) {
    cache* const c = at(all, i);
    if (!c->touched.load(std::memory_order_relaxed) && is_full(c)) {
      c->revoked.store(true, std::memory_order_relaxed);  // ordered by the barrier
      any = true;
    }
  }
  if (!any) {
    return;
  }
  heavy_barrier();
  for (std::size_t i = 0; i < cache_count_; ++i) {
    cache* const c = at(all, i);
    if (!c->revoked.load(std::memory_order_relaxed)) {
      continue;
    }
    spin_wait wait;
    // acquire: pairs with the release in leave().
    for (int turn = 0; turn < visitor_turns && c->busy.load(std::memory_order_acquire); ++turn) {
      wait.once();
    }
    if (!c->busy.load(std::memory_order_acquire) && is_full(c)) {
      if (garbage* node = new_node()) {
        type_.move(value_of(node, type_), own_value(c));
        c->full.store(false, std::memory_order_relaxed);  // published by the release below
        out.push(node);
      }
    }
    // release: pairs with the acquire in enter().
    c->revoked.store(false, std::memory_order_release);
  }
}

bool pool_core::visit(tenant& self, garbage_list& out) noexcept {
  auto& pool = static_cast<pool_core&>(self);
  cache* const all = pool.caches_.load(std::memory_order_acquire);
  if (all == nullptr) {
    return false;
  }
  bool left = false;
  pool.take_own_unused(all, out);
  for (std::size_t i = 0; i < pool.cache_count_; ++i) {
    cache* const c = pool.at(all, i);
    const bool touched = c->touched.exchange(false, std::memory_order_relaxed);  // relaxed: a hint
    left = take_unused(c, out) || touched || is_full(c) || left;
  }
  return left;
}

}  // namespace gossamer::inline v0::detail
