// leak_waits: what the rules of leak.hpp need to know of a blocked fiber, and can be seen only while it is held.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gossamer/debug.hpp"

namespace gossamer::inline v0::leak {

// Of these, which wait on something, whose ids: those that still wait on the same, without a limit of time and without
// a stop.
std::vector<std::uint64_t> endless_waits(std::span<const debug::fiber_info* const> blocked);

}  // namespace gossamer::inline v0::leak
