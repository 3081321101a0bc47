// map_core: the part of sync::map<K, V> that depends on neither K nor V.
//
// The keys are dealt out to shards by their hashes. A shard is a table of open addressing under a spin lock; its slots
// point to nodes, each of which holds a key and a value. While a shard is locked nothing is allocated, destroyed or
// visited: whoever wants to look longer takes a reference to the node, and whoever drops the last one destroys it after
// unlocking.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "../detail/config.hpp"
#include "../detail/garbage.hpp"
#include "../detail/spin_lock.hpp"

namespace gossamer::inline v0::detail {

struct map_node : garbage {
  map_node(std::uint64_t h, void (*d)(garbage*) noexcept) noexcept : garbage{nullptr, d}, hash(h) {}
  const std::uint64_t hash;
  // The map's, and those of calls that look at it without the lock. Guarded by the shard's lock, also once it is out.
  std::uint32_t references = 1;
};

struct map_slot {
  // 0: never used, and the search ends here. Otherwise the hash of the key that is, or was, here.
  std::uint64_t hash = 0;
  map_node* node = nullptr;
};

struct map_table {
  std::size_t mask = 0;  // the number of slots - 1
  map_slot* slots = nullptr;

  // The first slot to look at. The low bit of a hash is always set, the topmost ones choose the shard.
  std::size_t home(std::uint64_t hash) const noexcept { return (hash >> 1) & mask; }
};

struct alignas(64) GOSSAMER_API map_shard {
  static constexpr int nobody = -1;

  spin_lock guard;
  // The worker that has locked it by lock_watched(). relaxed, always: a worker only looks for its own number.
  std::atomic<int> holder{nobody};
  // Guarded by guard:
  map_table table;
  std::size_t live = 0;  // keys
  std::size_t used = 0;  // slots whose hash is not 0

  bool has_room() const noexcept { return (used + 1) * 4 <= (table.mask + 1) * 3; }
  // The lock for calls that run users' code under it: fatal where that has blocked, or has called the same map.
  void lock_watched() noexcept;
  void unlock_watched() noexcept;

  // The rest locks it by itself. Another table, unless it has room by now. Throws std::bad_alloc.
  void grow();
  // Takes a reference to each node and appends it to `out`, which has room for `room`. Returns how many there are; if
  // that is more than room, nothing was done.
  std::size_t hold_all(map_node** out, std::size_t room) noexcept;
  // Gives references back.
  void drop_all(map_node* const* nodes, std::size_t size) noexcept;
};

// Holds a shard, and destroys after it let go of it what was taken out meanwhile.
template <bool runs_users_code>
class map_lock {
 public:
  explicit map_lock(map_shard& s) noexcept : shard_(s) { lock(); }
  // With room for one more key. Throws std::bad_alloc.
  struct with_room {};
  map_lock(map_shard& s, with_room) : shard_(s) {
    lock();
    while (!s.has_room()) {
      unlock();
      s.grow();
      lock();
    }
  }
  map_lock(const map_lock&) = delete;
  map_lock& operator=(const map_lock&) = delete;
  ~map_lock() {
    unlock();
    out_.destroy_all();
  }

  void hold(map_node* n) noexcept { ++n->references; }
  void drop(map_node* n) noexcept {
    if (--n->references == 0) {
      out_.push(n);
    }
  }
  void replace(map_slot& slot, map_node* n) noexcept {
    drop(slot.node);
    slot.node = n;
  }
  void remove(map_slot& slot) noexcept {
    drop(slot.node);
    slot.node = nullptr;
    --shard_.live;
  }
  // Puts it into a slot that its hash had before, or else (null) into the first that was never used; there is room.
  void insert(map_slot* slot, map_node* n) noexcept {
    if (slot == nullptr) {
      const map_table& t = shard_.table;
      std::size_t i = t.home(n->hash);
      while (t.slots[i].hash != 0) {
        i = (i + 1) & t.mask;
      }
      slot = &t.slots[i];
      slot->hash = n->hash;
      ++shard_.used;
    }
    slot->node = n;
    ++shard_.live;
  }

 private:
  void lock() noexcept {
    if constexpr (runs_users_code) {
      shard_.lock_watched();
    } else {
      shard_.guard.lock();
    }
  }
  void unlock() noexcept {
    if constexpr (runs_users_code) {
      shard_.unlock_watched();
    } else {
      shard_.guard.unlock();
    }
  }

  map_shard& shard_;
  garbage_list out_;
};

class GOSSAMER_API map_core {
 public:
  constexpr map_core() noexcept = default;
  map_core(const map_core&) = delete;
  map_core& operator=(const map_core&) = delete;
  ~map_core();

  // Null if nothing was ever stored. acquire: pairs with the release in make(): the shards and their number.
  map_shard* all() const noexcept { return shards_.load(std::memory_order_acquire); }
  map_shard* shard_of(std::uint64_t hash) const noexcept {
    map_shard* const s = all();
    return s != nullptr ? s + (hash >> shift_) : nullptr;
  }
  // The same, made if there is none. Throws std::bad_alloc.
  map_shard& made_shard_of(std::uint64_t hash) {
    if (all() == nullptr) [[unlikely]] {
      make();
    }
    return *shard_of(hash);
  }
  std::size_t shards() const noexcept { return all() != nullptr ? std::size_t{1} << (64 - shift_) : 0; }
  // Takes all nodes out at one instant. Throws std::bad_alloc, and has done nothing then.
  void clear();

  static std::uint64_t mixed(std::uint64_t h) noexcept {
    h = (h ^ (h >> 32)) * 0x9e3779b97f4a7c15U;
    h = (h ^ (h >> 29)) * 0xbf58476d1ce4e5b9U;
    return (h ^ (h >> 32)) | 1;
  }

 private:
  void make();

  std::atomic<map_shard*> shards_{nullptr};
  unsigned shift_ = 0;  // hash >> shift_: the shard. Written once, before shards_.
  spin_lock making_;
};

}  // namespace gossamer::inline v0::detail
