// spin: what mutex and rw_mutex do for a moment before they wait.
#pragma once

#include "gossamer/detail/cpu_relax.hpp"

namespace gossamer::inline v0::sync {

// How often a lock that is held is looked at again, where sched::can_spin(), before its caller parks.
inline constexpr int brief_spins = 4;

inline void spin_briefly() noexcept {
  for (int i = 0; i < 30; ++i) {
    detail::cpu_relax();
  }
}

}  // namespace gossamer::inline v0::sync
