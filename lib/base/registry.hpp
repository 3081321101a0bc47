// registry: whether the library keeps what only the registry wants to know: of each fiber who spawned it and where, its
// labels, a number that is never used again; of each wait why, where, on what, since when, on which worker.
//
// It always does, but for a program of test/bench that measures what this costs, by lib/sched/spawn.cpp and park.cpp
// compiled a second time. What it does not leave out, since other things need it too: the list of records, the states,
// the counts of fibers, the ticket, the word that resuming loads (which also stops the workers), the worker's current
// fiber; nor what callers pass, the place of the call.
#pragma once

#include "gossamer/detail/config.hpp"

namespace gossamer::inline v0::base {

#ifdef GOSSAMER_NO_REGISTRY
inline constexpr bool has_registry = false;
#else
inline constexpr bool has_registry = true;
#endif

}  // namespace gossamer::inline v0::base
