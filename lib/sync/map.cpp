// map: see gossamer/sync/map.hpp and gossamer/sync/map_core.hpp.
#include <algorithm>
#include <bit>
#include <memory>
#include <mutex>
#include <new>

#include "gossamer/detail/readers.hpp"
#include "gossamer/sync/map_core.hpp"
#include "sched/park.hpp"

namespace gossamer::inline v0::detail {

namespace {

constexpr std::size_t smallest_table = 8;
constexpr std::size_t fewest_shards = 8;
constexpr std::size_t most_shards = 256;
// What a shard keeps of retired things before it asks for a grace period, which costs a barrier on all threads: no less
// than this, and as many as it has keys.
constexpr std::size_t retired_batch = 64;

void destroy_table(garbage* g) noexcept {
  auto* const t = static_cast<map_table*>(g);
  delete[] t->slots;
  delete t;
}

map_table* new_table(std::size_t slots) {
  auto t = std::make_unique<map_table>();
  t->destroy = destroy_table;
  t->slots = new map_slot[slots];
  t->mask = slots - 1;
  return t.release();
}

void destroy_root(garbage* g) noexcept {
  auto* const r = static_cast<map_root*>(g);
  delete[] r->tables;
  delete r;
}

std::size_t shards_of(const map_root& r) noexcept { return std::size_t{1} << (64 - r.shift); }

// Calls visit(slot) for each slot that has a node.
template <class Visit>
void each_node(map_table* t, Visit visit) {
  for (std::size_t i = 0; t != nullptr && i <= t->mask; ++i) {
    if (map_node* n = t->slots[i].node.load(std::memory_order_acquire)) {  // acquire: pairs with fill() and replace()
      visit(n);
    }
  }
}

// The first slot on the way of the hash that was never used.
map_slot& free_slot(map_table& t, std::uint64_t hash) noexcept {
  std::size_t i = t.home(hash);
  while (t.slots[i].hash.load(std::memory_order_relaxed) != 0) {  // relaxed: its writers hold the mutex
    i = (i + 1) & t.mask;
  }
  return t.slots[i];
}

// release, both: the node, and what the slot is found by, for those who look without a lock.
void fill(map_slot& slot, map_node* node) noexcept {
  slot.node.store(node, std::memory_order_release);
  slot.hash.store(node->hash, std::memory_order_release);
}

// All that a map refers to, when nobody else does.
void destroy_nodes(const map_root& root) noexcept {
  for (std::size_t i = 0; i < shards_of(root); ++i) {
    map_table* const t = root.tables[i].load(std::memory_order_relaxed);
    each_node(t, [](map_node* n) { n->destroy(n); });
    if (t != nullptr) {
      t->destroy(t);
    }
  }
}

}  // namespace

map_core::~map_core() {
  end_visits();
  map_root* const r = root_.load(std::memory_order_acquire);
  if (r == nullptr) {
    return;
  }
  for (std::size_t i = 0; i < shards_of(*r); ++i) {
    shards_[i].retired.destroy_all();
    shards_[i].waiting.destroy_all();
  }
  destroy_nodes(*r);
  destroy_root(r);
  delete[] shards_;
}

map_root* map_core::new_root(std::size_t shards) {
  auto r = std::make_unique<map_root>();
  r->destroy = destroy_root;
  r->shift = 64 - static_cast<unsigned>(std::countr_zero(shards));
  r->tables = new std::atomic<map_table*>[shards]();
  return r.release();
}

void map_core::make() {
  const std::scoped_lock hold(making_);
  if (root_.load(std::memory_order_relaxed) != nullptr) {  // relaxed: written under making_
    return;
  }
  const auto wanted = std::bit_ceil(static_cast<std::size_t>(sched::procs()) * 4);
  const std::size_t n = std::clamp(wanted, fewest_shards, most_shards);
  auto shards = std::make_unique<shard[]>(n);
  map_root* const r = new_root(n);
  shards_ = shards.release();
  shift_ = r->shift;
  // release: pairs with the acquire in root(); publishes the shards, too.
  root_.store(r, std::memory_order_release);
}

std::size_t map_core::shards() const noexcept {
  // acquire: pairs with the release in make(). shift_ is the same for all roots.
  return root_.load(std::memory_order_acquire) != nullptr ? std::size_t{1} << (64 - shift_) : 0;
}

// ---- one shard ------------------------------------------------------------------------------------------------------

map_core::locked::locked(map_core& core, std::uint64_t hash, const std::source_location& where) : core_(core) {
  if (core.root() == nullptr) {
    core.make();
  }
  shard_ = &core.shard_of(hash);
  shard_->mutex.lock(where);
  // The root is changed only by who holds the mutexes of all shards.
  map_root& r = *core.root_.load(std::memory_order_relaxed);
  table_ = &r.tables[hash >> r.shift];
}

map_core::locked::~locked() {
  garbage_list out;
  const bool news = !shard_->retired.empty() || !shard_->waiting.empty();
  if (shard_->retired.size() >= std::max(retired_batch, shard_->live)) {
    core_.reclaim(*shard_, out, false);
  }
  shard_->mutex.unlock();
  if (news) {
    core_.want_visits();
  }
  out.destroy_all();
}

void map_core::locked::retire(garbage* g) noexcept { shard_->retired.push(g); }

void map_core::locked::replace(map_slot& slot, map_node* node) noexcept {
  map_node* const old = slot.node.load(std::memory_order_relaxed);
  slot.node.store(node, std::memory_order_release);  // see fill()
  retire(old);
}

void map_core::locked::remove(map_slot& slot) noexcept {
  map_node* const old = slot.node.load(std::memory_order_relaxed);
  slot.node.store(nullptr, std::memory_order_release);
  --shard_->live;
  retire(old);
}

void map_core::locked::make_room() {
  map_table* const old = table();
  if (old != nullptr && (shard_->used + 1) * 4 <= (old->mask + 1) * 3) {
    return;
  }
  map_table* const wider = new_table(std::max(std::bit_ceil((shard_->live + 1) * 2), smallest_table));
  each_node(old, [&](map_node* n) { fill(free_slot(*wider, n->hash), n); });
  shard_->used = shard_->live;
  // release: pairs with the acquire in table_of().
  table_->store(wider, std::memory_order_release);
  if (old != nullptr) {
    retire(old);
  }
}

void map_core::locked::insert(map_slot* slot, map_node* node) noexcept {
  if (slot != nullptr) {
    slot->node.store(node, std::memory_order_release);  // see fill()
  } else {
    fill(free_slot(*table(), node->hash), node);
    ++shard_->used;
  }
  ++shard_->live;
}

// With the shard's mutex held: moves to `out` what nobody can be looking at any more.
void map_core::reclaim(shard& s, garbage_list& out, bool hurry) noexcept {
  for (int round = 0; round < 2; ++round) {
    if (s.waiting.empty()) {
      if (s.retired.empty()) {
        return;
      }
      s.waiting.take_all(s.retired);
      s.ticket = draw_grace_ticket();
    }
    if (!is_grace_over(s.ticket)) {
      return;
    }
    out.take_all(s.waiting);
    if (!hurry) {
      return;
    }
  }
}

bool map_core::visit(tenant& self, garbage_list& out) noexcept {
  auto& map = static_cast<map_core&>(self);
  bool more = false;
  for (std::size_t i = 0; i < map.shards(); ++i) {
    shard& s = map.shards_[i];
    if (!s.mutex.try_lock()) {
      more = true;
      continue;
    }
    map.reclaim(s, out, true);
    more = more || !s.waiting.empty() || !s.retired.empty();
    s.mutex.unlock();
  }
  return more;
}

// ---- all of them ----------------------------------------------------------------------------------------------------

std::size_t map_core::hold_all(std::size_t index, map_node** out, std::size_t room) {
  const read_section<false> section;
  const map_root* const r = root();
  map_table* const t = r->tables[index].load(std::memory_order_acquire);  // see table_of()
  std::size_t n = 0;
  each_node(t, [&](map_node* node) {
    if (n < room) {
      out[n] = node;
      node->references.fetch_add(1, std::memory_order_relaxed);  // relaxed: the map has a reference meanwhile
    }
    ++n;
  });
  if (n > room) {
    for (std::size_t i = 0; i < room; ++i) {
      out[i]->references.fetch_sub(1, std::memory_order_relaxed);  // not the last one
    }
  }
  return n;
}

void map_core::clear(const std::source_location& where) {
  const std::size_t n = shards();
  if (n == 0) {
    return;
  }
  map_root* const empty = new_root(n);
  for (std::size_t i = 0; i < n; ++i) {
    shards_[i].mutex.lock(where);
  }
  map_root* const old = root_.load(std::memory_order_relaxed);
  // release: pairs with the acquire in root(). All keys are gone at this instant.
  root_.store(empty, std::memory_order_release);
  garbage_list out;
  for (std::size_t i = 0; i < n; ++i) {
    shard& s = shards_[i];
    map_table* const t = old->tables[i].load(std::memory_order_relaxed);
    each_node(t, [&](map_node* node) { s.retired.push(node); });
    if (t != nullptr) {
      s.retired.push(t);
    }
    s.live = s.used = 0;
  }
  shards_[0].retired.push(old);
  for (std::size_t i = 0; i < n; ++i) {
    reclaim(shards_[i], out, true);
    shards_[i].mutex.unlock();
  }
  want_visits();
  out.destroy_all();
}

}  // namespace gossamer::inline v0::detail
