// map: see gossamer/sync/map.hpp and gossamer/sync/map_core.hpp.
#include <algorithm>
#include <bit>
#include <memory>
#include <utility>

#include "base/fatal.hpp"
#include "gossamer/detail/own_place.hpp"
#include "gossamer/sync/map_core.hpp"
#include "sched/park.hpp"

namespace gossamer::inline v0::detail {

namespace {

constexpr std::size_t smallest_table = 8;
constexpr std::size_t fewest_shards = 16;
constexpr std::size_t most_shards = 512;
constexpr std::size_t shards_per_worker = 8;

// Calls visit(slot) for each slot that has a node.
template <class Visit>
void each_node(const map_table& t, Visit visit) {
  for (std::size_t i = 0; t.slots != nullptr && i <= t.mask; ++i) {
    if (t.slots[i].node != nullptr) {
      visit(t.slots[i]);
    }
  }
}

class watched_lock {
 public:
  explicit watched_lock(map_shard& s) noexcept : shard_(s) { s.lock_watched(); }
  watched_lock(const watched_lock&) = delete;
  watched_lock& operator=(const watched_lock&) = delete;
  ~watched_lock() { shard_.unlock_watched(); }

 private:
  map_shard& shard_;
};

[[noreturn]] void fatal_users_code() noexcept {
  base::fatal("sync: a key's or value's comparison or copying has blocked in a call of a sync.map, or has called it");
}

}  // namespace

// ---- one shard ------------------------------------------------------------------------------------------------------

void map_shard::lock_watched() noexcept {
  const int self = worker_index();
  spin_wait wait;
  while (!guard.try_lock()) {
    // A fiber that holds it has left this worker to the caller, or is the caller: nobody may ever unlock it.
    if (self != nobody && holder.load(std::memory_order_relaxed) == self) [[unlikely]] {
      fatal_users_code();
    }
    wait.once();
  }
  holder.store(self, std::memory_order_relaxed);
}

void map_shard::unlock_watched() noexcept {
  if (holder.load(std::memory_order_relaxed) != worker_index()) [[unlikely]] {
    fatal_users_code();
  }
  holder.store(nobody, std::memory_order_relaxed);
  guard.unlock();
}

void map_shard::grow() {
  std::size_t wanted = 0;
  {
    const watched_lock held(*this);
    wanted = std::max(std::bit_ceil((live + 1) * 2), smallest_table);
  }
  std::unique_ptr<map_slot[]> slots(new map_slot[wanted]);
  const watched_lock held(*this);
  // What was stored or deleted meanwhile: too small, the caller tries again.
  if (has_room() || (live + 1) * 4 > wanted * 3) {
    return;
  }
  const map_table wider{wanted - 1, slots.get()};
  each_node(table, [&wider](const map_slot& from) {
    std::size_t i = wider.home(from.hash);
    while (wider.slots[i].hash != 0) {
      i = (i + 1) & wider.mask;
    }
    wider.slots[i] = from;
  });
  slots.release();
  slots.reset(std::exchange(table, wider).slots);  // deleted once the lock is released
  used = live;
}

std::size_t map_shard::hold_all(map_node** out, std::size_t room) noexcept {
  const watched_lock held(*this);
  if (live <= room) {
    each_node(table, [&out](const map_slot& slot) {
      ++slot.node->references;
      *out++ = slot.node;
    });
  }
  return live;
}

void map_shard::drop_all(map_node* const* nodes, std::size_t size) noexcept {
  garbage_list out;
  {
    const watched_lock held(*this);
    for (std::size_t i = 0; i < size; ++i) {
      if (--nodes[i]->references == 0) {
        out.push(nodes[i]);
      }
    }
  }
  out.destroy_all();
}

// ---- all of them ----------------------------------------------------------------------------------------------------

map_core::~map_core() {
  map_shard* const all_shards = all();
  for (std::size_t i = 0; i < shards(); ++i) {
    const map_table& t = all_shards[i].table;
    each_node(t, [](const map_slot& slot) { slot.node->destroy(slot.node); });
    delete[] t.slots;
  }
  delete[] all_shards;
}

void map_core::make() {
  const std::size_t wanted = std::bit_ceil(static_cast<std::size_t>(sched::procs()) * shards_per_worker);
  const std::size_t n = std::clamp(wanted, fewest_shards, most_shards);
  std::unique_ptr<map_shard[]> fresh(new map_shard[n]);
  making_.lock();
  if (shards_.load(std::memory_order_relaxed) == nullptr) {  // relaxed: written under making_
    shift_ = 64 - static_cast<unsigned>(std::countr_zero(n));
    // release: pairs with the acquire in all().
    shards_.store(fresh.release(), std::memory_order_release);
  }
  making_.unlock();
}

void map_core::clear() {
  map_shard* const all_shards = all();
  const std::size_t n = shards();
  const auto old = std::make_unique<map_table[]>(n);
  for (std::size_t i = 0; i < n; ++i) {
    all_shards[i].lock_watched();
  }
  for (std::size_t i = 0; i < n; ++i) {
    map_shard& s = all_shards[i];
    old[i] = std::exchange(s.table, {});
    s.live = s.used = 0;
  }
  for (std::size_t i = 0; i < n; ++i) {
    all_shards[i].unlock_watched();
  }
  garbage_list out;
  for (std::size_t i = 0; i < n; ++i) {
    const watched_lock held(all_shards[i]);
    each_node(old[i], [&out](const map_slot& slot) {
      if (--slot.node->references == 0) {
        out.push(slot.node);
      }
    });
  }
  for (std::size_t i = 0; i < n; ++i) {
    delete[] old[i].slots;
  }
  out.destroy_all();
}

}  // namespace gossamer::inline v0::detail
