// stress: see stress.hpp.
#include "base/stress.hpp"

#if defined(GOSSAMER_STRESS) && GOSSAMER_STRESS

#include <sched.h>
#include <time.h>

#include <atomic>

#include "base/rng.hpp"
#include "gossamer/detail/cpu_relax.hpp"

namespace gossamer::inline v0::base {

namespace {
// One shared sequence: its own order between threads is one more perturbation. Relaxed: only the values matter.
std::atomic<std::uint64_t> sequence{1};
}  // namespace

void seed_stress(std::uint64_t seed) noexcept { sequence.store(seed * 2 + 1, std::memory_order_relaxed); }

void stress_point() noexcept {
  const std::uint64_t n = sequence.fetch_add(0x9e3779b97f4a7c15U, std::memory_order_relaxed);
  const std::uint64_t choice = rng(n).next();
  if (choice % 16 == 0) {
    for (std::uint64_t i = (choice >> 8) % 256; i != 0; --i) {
      detail::cpu_relax();
    }
  } else if (choice % 256 == 1) {
    ::sched_yield();
  } else if (choice % 16384 == 2) {
    const timespec moment{0, 20'000};
    ::nanosleep(&moment, nullptr);
  }
}

}  // namespace gossamer::inline v0::base

#endif
