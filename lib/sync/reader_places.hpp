// reader_places: where the readers of rw_mutexes are noted apart from each other, in memory of the worker on which each
// of them runs, so that no cache line goes to and fro between readers. A note says only that some reader has the lock:
// whoever gives up the lock takes any of its notes.
// Source: Dice and Kogan, "BRAVO: Biased Locking for Reader-Writer Locks" (2019), for a table that all locks share;
// folly::SharedMutex for moving the notes into the lock's word when a writer comes.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/knob.hpp"
#include "gossamer/detail/run_number.hpp"
#include "gossamer/sync/rw_mutex.hpp"

namespace gossamer::inline v0::sync {

class reader_places {
 public:
  constexpr reader_places() noexcept = default;

  // Notes a reader of m. False where the place is taken. The caller looks at the lock's word after that: either it sees
  // there that notes count no more, or take_all() by him who has written that sees the note.
  bool add(int worker, const rw_mutex& m) noexcept;
  // Takes a note back. False where there is none of m.
  bool remove(int worker, const rw_mutex& m) noexcept;
  // Takes all notes of m, and returns how many there were. All that readers did before their remove() happens-before.
  std::uint32_t take_all(const rw_mutex& m) noexcept;

 private:
  using place = std::atomic<std::uint64_t>;
  static constexpr std::size_t columns = 8;
  // A note is the address, and which run() it is of above that: notes of readers that were abandoned when their run()
  // ended are nobody's, as the lock may be gone.
  static constexpr int run_shift = 48;
  struct alignas(64) row {
    std::array<place, columns> places{};
  };
  static_assert(sizeof(row) == 64);

  static std::uint64_t run_part() noexcept { return std::uint64_t{detail::run_number()} << run_shift; }
  static std::uint64_t note_of(const rw_mutex& m) noexcept {
    return (reinterpret_cast<std::uintptr_t>(&m) & ((std::uint64_t{1} << run_shift) - 1)) | run_part();
  }
  static bool is_abandoned(std::uint64_t note) noexcept { return note >> run_shift != run_part() >> run_shift; }
  place& at(int worker, const rw_mutex& m) noexcept;

  std::array<row, base::max_workers> rows_{};
  std::atomic<int> used_rows_{0};  // never less than those that have ever had a note
};

inline reader_places::place& reader_places::at(int worker, const rw_mutex& m) noexcept {
  // Fibonacci hashing; the lowest bits of an address say nothing.
  constexpr std::uint64_t golden = 0x9E37'79B9'7F4A'7C15;
  constexpr int shift = 64 - std::countr_zero(columns);
  return rows_[static_cast<std::size_t>(worker)].places[(reinterpret_cast<std::uintptr_t>(&m) >> 4) * golden >> shift];
}

inline bool reader_places::add(int worker, const rw_mutex& m) noexcept {
  // relaxed, and seq_cst: the row counts as used before the note is there, for take_all() to find it.
  int used = used_rows_.load(std::memory_order_relaxed);
  while (used <= worker && !used_rows_.compare_exchange_weak(used, worker + 1, std::memory_order_seq_cst)) {
  }
  place& p = at(worker, m);
  // seq_cst: before the caller's look at the word, in the order in which take_all() comes after the writing of it.
  std::uint64_t there = 0;
  const auto is_noted = [&] {
    return p.compare_exchange_strong(there, note_of(m), std::memory_order_seq_cst, std::memory_order_relaxed);
  };
  return is_noted() || (is_abandoned(there) && is_noted());
}

inline bool reader_places::remove(int worker, const rw_mutex& m) noexcept {
  place& p = at(worker, m);
  std::uint64_t note = note_of(m);
  // release: what the reader did comes before what the next writer does. acquire, where it is not there: whoever has
  // taken it knows what the last writer did, and so does the caller, who may have the lock after all.
  return p.compare_exchange_strong(note, 0, std::memory_order_release, std::memory_order_acquire);
}

inline std::uint32_t reader_places::take_all(const rw_mutex& m) noexcept {
  std::uint32_t taken = 0;
  const int rows = used_rows_.load(std::memory_order_seq_cst);  // seq_cst: see add()
  for (int worker = 0; worker < rows; ++worker) {
    place& p = at(worker, m);
    // seq_cst: after the caller's writing of the word. It acquires what remove() has released, too: all changes of a
    // place are compare-exchanges, so that the release of the last reader of m is followed through the notes of others.
    std::uint64_t note = p.load(std::memory_order_seq_cst);
    // acq_rel: a reader that finds its note gone learns by that what the caller knows (see remove()).
    if (note == note_of(m) &&
        p.compare_exchange_strong(note, 0, std::memory_order_acq_rel, std::memory_order_acquire)) {
      ++taken;
    }
  }
  return taken;
}

}  // namespace gossamer::inline v0::sync
