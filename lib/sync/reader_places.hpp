// reader_places: where the readers of rw_mutexes are noted apart from each other, in memory of the worker on which each
// of them runs, so that no cache line goes to and fro between readers. A note says only that some reader has the lock:
// whoever gives up the lock takes any of its notes. It is the lock's number, which no other lock ever has: a note of a
// lock that has gone, or of a reader that was abandoned when its run() ended, takes a place and does no harm.
// Source: Dice and Kogan, "BRAVO: Biased Locking for Reader-Writer Locks" (2019), for a table that all locks share;
// folly::SharedMutex for moving the notes into the lock's word when a writer comes.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/knob.hpp"

namespace gossamer::inline v0::sync {

class reader_places {
 public:
  constexpr reader_places() noexcept = default;

  // Whether it has places: workers that stand in for many others have none, and plain threads (-1).
  static bool has(int worker) noexcept { return worker >= 0 && worker < base::max_workers; }

  // A number for a lock; never 0.
  std::uint64_t new_number() noexcept {
    return last_number_.fetch_add(1, std::memory_order_relaxed) + 1;  // relaxed: only that it is another's no more
  }
  // Notes a reader of the lock. False where the place is taken. The caller looks at the lock's word after that: either
  // it sees there that notes count no more, or take_all() by him who has written that sees the note.
  bool add(int worker, std::uint64_t lock) noexcept;
  // Takes a note back. False where there is none of the lock.
  bool remove(int worker, std::uint64_t lock) noexcept;
  // Takes all notes of the lock, and returns how many there were. All that readers did before their remove()
  // happens-before.
  std::uint32_t take_all(std::uint64_t lock) noexcept;

 private:
  using place = std::atomic<std::uint64_t>;  // a lock's number; 0: free
  static constexpr std::size_t columns = 8;
  struct alignas(64) row {
    std::array<place, columns> places{};
  };
  static_assert(sizeof(row) == 64);

  place& at(int worker, std::uint64_t lock) noexcept {
    return rows_[static_cast<std::size_t>(worker)].places[lock % columns];
  }

  std::array<row, base::max_workers> rows_{};
  std::atomic<int> used_rows_{0};  // never less than those that have ever had a note
  std::atomic<std::uint64_t> last_number_{0};
};

inline bool reader_places::add(int worker, std::uint64_t lock) noexcept {
  // seq_cst, both: the row counts as used before the note is there, for take_all() to find it.
  int used = used_rows_.load(std::memory_order_seq_cst);
  while (used <= worker && !used_rows_.compare_exchange_weak(used, worker + 1, std::memory_order_seq_cst)) {
  }
  std::uint64_t free = 0;
  // seq_cst: before the caller's look at the word, in the order in which take_all() comes after the writing of it.
  return at(worker, lock).compare_exchange_strong(free, lock, std::memory_order_seq_cst, std::memory_order_relaxed);
}

inline bool reader_places::remove(int worker, std::uint64_t lock) noexcept {
  // release: what the reader did comes before what the next writer does. acquire, where it is not there: whoever has
  // taken it knows what the last writer did, and so does the caller, who may have the lock after all.
  return at(worker, lock).compare_exchange_strong(lock, 0, std::memory_order_release, std::memory_order_acquire);
}

inline std::uint32_t reader_places::take_all(std::uint64_t lock) noexcept {
  std::uint32_t taken = 0;
  const int rows = used_rows_.load(std::memory_order_seq_cst);  // seq_cst: see add()
  for (int worker = 0; worker < rows; ++worker) {
    place& p = at(worker, lock);
    // seq_cst: after the caller's writing of the word. It acquires what remove() has released, too: all changes of a
    // place are compare-exchanges, so that the release of the last reader is followed through the notes of other locks.
    std::uint64_t note = p.load(std::memory_order_seq_cst);
    // acq_rel: a reader that finds its note gone learns by that what the caller knows (see remove()).
    if (note == lock && p.compare_exchange_strong(note, 0, std::memory_order_acq_rel, std::memory_order_acquire)) {
      ++taken;
    }
  }
  return taken;
}

}  // namespace gossamer::inline v0::sync
