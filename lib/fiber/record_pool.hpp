// record_pool: where fiber records come from and go back to, and the registry of all of them.
//
// Records lie in slabs that are never given back, so the registry is the list of slabs: a live fiber is a record whose
// id is not 0. Workers keep some records for themselves and exchange them with the pool in batches.
#pragma once

#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>

#include "fiber/fiber.hpp"
#include "gossamer/detail/spin_lock.hpp"

namespace gossamer::inline v0 {

namespace debug {
struct layout_access;
}

// A list of records, linked by `next`.
struct record_list {
  fiber* head = nullptr;
  std::size_t size = 0;

  void push(fiber* f) noexcept {
    f->next = head;
    head = f;
    ++size;
  }
  // While nobody changes it: at most n of them, for what is read in the middle of a change may lead anywhere.
  template <class Visit>
  void for_each(std::size_t n, Visit visit) const {
    for (const fiber* f = head; f != nullptr && n > 0; f = f->next, --n) {
      visit(*f);
    }
  }
  fiber* pop() noexcept {
    assert(head != nullptr && size > 0);
    fiber* f = head;
    head = f->next;
    --size;
    return f;
  }
};

class record_pool {
 public:
  constexpr record_pool() noexcept = default;

  // Up to `batch` records; none only where there is no memory.
  record_list take(std::size_t batch) noexcept;
  void give(record_list& records) noexcept;

  // Calls visit(fiber&) for every record that was ever made.
  template <class Visit>
  void for_each(Visit visit) {
    // acquire: pairs with the release in grow(); the slab's header is seen.
    for (slab* s = slabs_.load(std::memory_order_acquire); s != nullptr; s = s->next) {
      for (std::size_t i = 0; i < records_per_slab; ++i) {
        visit(s->records()[i]);
      }
    }
  }

  // Those that no worker keeps. While no other thread runs.
  const record_list& free_ones() const noexcept { return free_; }
  // Calls visit(const void* begin, std::size_t bytes) for the memory of all records.
  template <class Visit>
  void for_each_slab(Visit visit) const {
    for (const slab* s = slabs_.load(std::memory_order_acquire); s != nullptr; s = s->next) {  // acquire: as above
      visit(static_cast<const void*>(s), slab_bytes);
    }
  }

 private:
  friend struct debug::layout_access;
  static constexpr std::size_t slab_bytes = std::size_t{2} << 20;
  struct slab {
    slab* next;
    fiber* records() noexcept { return reinterpret_cast<fiber*>(reinterpret_cast<std::byte*>(this) + alignof(fiber)); }
  };
  static constexpr std::size_t records_per_slab = (slab_bytes - alignof(fiber)) / sizeof(fiber);

  bool grow() noexcept;

  std::atomic<slab*> slabs_{nullptr};
  detail::spin_lock guard_;
  // Guarded by guard_.
  record_list free_;
  fiber* fresh_ = nullptr;  // records of the newest slab that were never used: fresh_count_ of them
  std::size_t fresh_count_ = 0;
  std::size_t slab_count_ = 0;
};

// Constant-initialised, never destroyed.
extern record_pool records;

}  // namespace gossamer::inline v0
