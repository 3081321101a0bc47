// record_cache: a worker's free fiber records and the ids that it may give to fibers. Both are fetched from what all
// share in batches, so that a spawn touches nothing that others write.
//
// By its worker alone.
#pragma once

#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>

#include "base/forked.hpp"
#include "fiber/record_pool.hpp"

namespace gossamer::inline v0::sched {

class record_cache {
 public:
  // How many records are exchanged with the pool at once; up to twice as many are kept.
  static constexpr std::size_t batch = 64;
  static constexpr std::uint64_t id_block = 1024;

  // `ids`: the next id that nobody has reserved.
  explicit record_cache(std::atomic<std::uint64_t>& ids) noexcept : ids_(ids) {}
  record_cache(const record_cache&) = delete;
  record_cache& operator=(const record_cache&) = delete;

  // Null where there is no memory. Ends the process in a forked child.
  fiber* take() noexcept {
    if (free_.head == nullptr && !fetch()) [[unlikely]] {
      return nullptr;
    }
    return free_.pop();
  }
  void give(fiber* f) noexcept {
    assert(f->id.load(std::memory_order_relaxed) == 0);  // relaxed: the record is the worker's
    free_.push(f);
    if (free_.size > 2 * batch) [[unlikely]] {
      give_back();
    }
  }
  // Unique in the process, but in no order.
  std::uint64_t next_id() noexcept {
    if (next_id_ == id_end_) [[unlikely]] {
      next_id_ = ids_.fetch_add(id_block, std::memory_order_relaxed);  // relaxed: only unique
      id_end_ = next_id_ + id_block;
    }
    assert(next_id_ < id_end_);
    return next_id_++;
  }
  // In a forked child: the next take() comes to the pool.
  void forget_records() noexcept { free_ = {}; }

  std::size_t size() const noexcept { return free_.size; }
  const record_list& free_ones() const noexcept { return free_; }

 private:
  [[gnu::noinline]] bool fetch() noexcept {
    base::not_in_forked_child();
    free_ = records.take(batch);
    return free_.head != nullptr;
  }
  [[gnu::noinline]] void give_back() noexcept {
    record_list back;
    while (back.size < batch) {
      back.push(free_.pop());
    }
    records.give(back);
  }

  record_list free_;
  std::uint64_t next_id_ = 0;
  std::uint64_t id_end_ = 0;
  std::atomic<std::uint64_t>& ids_;
};

}  // namespace gossamer::inline v0::sched
