// readers: who looks at something without a lock, and how whoever has taken a part of it away learns that nobody looks
// at that part any more. A variant of read-copy-update (McKenney); readers write to a cache line of their own worker.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "config.hpp"
#include "own_place.hpp"

namespace gossamer::inline v0::detail {

struct alignas(64) reader_place {
  // Odd while the worker is in a section. Written by it alone.
  std::atomic<std::uint64_t> turn{0};
  std::atomic<std::uint32_t> depth{0};
};
inline constexpr std::size_t reader_places = 256;
GOSSAMER_API extern std::array<reader_place, reader_places> places_of_readers;

// Plain threads, and workers beyond those with a place of their own. What is returned is given back by leave.
GOSSAMER_API std::atomic<std::uint32_t>* enter_without_place() noexcept;
[[noreturn]] GOSSAMER_API void fatal_reader_moved() noexcept;

// What was reachable when it began, or since, is not destroyed before it has ended. The fiber must not block in it;
// `may_block` tells that this hangs on users' code, and is looked at: it is fatal if the fiber has moved to another
// worker.
template <bool may_block>
class read_section {
 public:
  read_section() noexcept : index_(worker_index()) {
    const auto i = static_cast<std::size_t>(index_);
    if (i >= reader_places) [[unlikely]] {
      counted_ = enter_without_place();
      return;
    }
    place_ = &places_of_readers[i];
    // relaxed: only this worker writes it.
    const std::uint32_t depth = place_->depth.load(std::memory_order_relaxed);
    place_->depth.store(depth + 1, std::memory_order_relaxed);
    if (depth == 0) {
      turn();
      light_barrier();  // before the looks of this section: see grace
    }
  }
  ~read_section() {
    if (place_ == nullptr) [[unlikely]] {
      // release: pairs with the acquire of grace::look().
      counted_->fetch_sub(1, std::memory_order_release);
      return;
    }
    if (may_block && worker_index() != index_) [[unlikely]] {
      fatal_reader_moved();
    }
    const std::uint32_t depth = place_->depth.load(std::memory_order_relaxed);
    place_->depth.store(depth - 1, std::memory_order_relaxed);
    if (depth == 1) {
      turn();
    }
  }
  read_section(const read_section&) = delete;
  read_section& operator=(const read_section&) = delete;

 private:
  // acquire, release: the sections of one worker come one after the other, whichever fiber they are of; grace::look()
  // acquires the last of them.
  void turn() noexcept {
    place_->turn.store(place_->turn.load(std::memory_order_acquire) + 1, std::memory_order_release);
  }

  const int index_;
  reader_place* place_ = nullptr;
  std::atomic<std::uint32_t>* counted_ = nullptr;
};

// A ticket is over when every section that was open when it was drawn has been left. From anywhere; never blocks.
GOSSAMER_API std::uint64_t draw_grace_ticket() noexcept;
GOSSAMER_API bool is_grace_over(std::uint64_t ticket) noexcept;

}  // namespace gossamer::inline v0::detail
