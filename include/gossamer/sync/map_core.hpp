// map_core: the part of sync::map<K, V> that depends on neither K nor V.
//
// The keys are dealt out to shards by their hashes. A shard is a table of open addressing whose slots point to nodes;
// a node holds a key and a value. A store puts another node in its place, unless the value is a small one, which it
// changes. Who looks takes no lock (readers.hpp); who changes something holds the shard's mutex. What is taken out is
// destroyed when nobody can be looking at it any more.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <source_location>

#include "../detail/config.hpp"
#include "../detail/garbage.hpp"
#include "../detail/tenant.hpp"
#include "mutex.hpp"

namespace gossamer::inline v0::detail {

struct map_node : garbage {
  explicit map_node(std::uint64_t h, void (*d)(garbage*) noexcept) noexcept : garbage{nullptr, d}, hash(h) {}
  const std::uint64_t hash;
  std::atomic<std::uint32_t> references{1};  // the map's, until the grace period is over, and those of range()
};

struct map_slot {
  // 0: never used, and the search ends here. Otherwise the hash of the key that is, or was, here.
  std::atomic<std::uint64_t> hash{0};
  std::atomic<map_node*> node{nullptr};
};

struct map_table : garbage {
  std::size_t mask = 0;  // the number of slots - 1
  map_slot* slots = nullptr;

  // The first slot to look at. The low bit of a hash is always set, the topmost ones choose the shard.
  std::size_t home(std::uint64_t hash) const noexcept { return (hash >> 1) & mask; }
};

// What a look begins with; clear() puts another in its place.
struct map_root : garbage {
  unsigned shift = 0;  // hash >> shift: the shard
  std::atomic<map_table*>* tables = nullptr;
};

class GOSSAMER_API map_core : private tenant {
 public:
  struct alignas(64) shard {
    sync::mutex mutex;
    // Guarded by mutex:
    std::size_t live = 0;  // keys
    std::size_t used = 0;  // slots whose hash is not 0
    garbage_list retired;  // taken out since `waiting` was filled
    garbage_list waiting;  // taken out before `ticket` was drawn
    std::uint64_t ticket = 0;
  };

  // Holds a shard, and destroys after it let go of it what may go by then.
  class GOSSAMER_API locked {
   public:
    locked(map_core& core, std::uint64_t hash, const std::source_location& where);
    locked(const locked&) = delete;
    locked& operator=(const locked&) = delete;
    ~locked();

    // Null where the shard has no table yet.
    map_table* table() const noexcept { return table_->load(std::memory_order_relaxed); }  // its writers hold the mutex
    // Puts it in the place of the node that the slot has; that is retired.
    void replace(map_slot& slot, map_node* node) noexcept;
    void remove(map_slot& slot) noexcept;
    // Room for a key that has no node: throws std::bad_alloc, and nothing has changed.
    void make_room();
    // After make_room(). `slot`: one that held the same hash before, or null.
    void insert(map_slot* slot, map_node* node) noexcept;

   private:
    void retire(garbage* g) noexcept;

    map_core& core_;
    shard* shard_;
    std::atomic<map_table*>* table_;
  };

  constexpr map_core() noexcept : tenant(visit) {}
  ~map_core();

  // Null if nothing was ever stored. In a read section, or with a shard locked.
  // acquire: pairs with the releases in make() and clear().
  const map_root* root() const noexcept { return root_.load(std::memory_order_acquire); }
  // acquire: pairs with the release in locked::make_room().
  static const map_table* table_of(const map_root& root, std::uint64_t hash) noexcept {
    return root.tables[hash >> root.shift].load(std::memory_order_acquire);
  }

  // How many shards there are; 0 before the first store.
  std::size_t shards() const noexcept;
  // Adds a reference for the caller to each node of the shard, and appends it to `out`, which has room for `room`.
  // Returns how many there are; if that is more than room, nothing was done.
  std::size_t hold_all(std::size_t shard, map_node** out, std::size_t room);
  void clear(const std::source_location& where);

  static std::uint64_t mixed(std::uint64_t h) noexcept {
    h = (h ^ (h >> 32)) * 0x9e3779b97f4a7c15U;
    h = (h ^ (h >> 29)) * 0xbf58476d1ce4e5b9U;
    return (h ^ (h >> 32)) | 1;
  }

 private:
  static bool visit(tenant& self, garbage_list& out) noexcept;
  void make();
  static map_root* new_root(std::size_t shards);
  shard& shard_of(std::uint64_t hash) noexcept { return shards_[hash >> shift_]; }
  void reclaim(shard& s, garbage_list& out, bool hurry) noexcept;

  std::atomic<map_root*> root_{nullptr};
  // Written once, before root_.
  shard* shards_ = nullptr;
  unsigned shift_ = 0;
  sync::mutex making_;
};

}  // namespace gossamer::inline v0::detail
