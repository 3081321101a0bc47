// run_number: which run() a fiber belongs to. An object that outlives a run() may have noted something for a fiber that
// was abandoned when main returned, and forgets it by this.
#pragma once

#include <atomic>
#include <cstdint>

#include "config.hpp"

namespace gossamer::inline v0::detail {

// What run_number() returns. Counted up by the scheduler when a run() ends; nobody else writes it.
GOSSAMER_API extern std::atomic<std::uint32_t> current_run;
// Of the run() that is at work, or comes next: never 0. Inline, as each contended lock of a mutex asks for it.
inline std::uint32_t run_number() noexcept {
  // relaxed: the workers stand still while it changes, and run() orders what its fibers see.
  return current_run.load(std::memory_order_relaxed);
}
// The calling fiber's; 0 on a plain thread, which outlives them all.
GOSSAMER_API std::uint32_t own_run_number() noexcept;

inline bool is_abandoned(std::uint32_t owns) noexcept { return owns != 0 && owns != run_number(); }

}  // namespace gossamer::inline v0::detail
