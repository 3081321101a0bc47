// leak_waits: what the rules of leak.hpp need to know of a blocked fiber, or note, and what can be done only while it
// is held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "fiber/fiber.hpp"
#include "gossamer/debug.hpp"

namespace gossamer::inline v0::leak {

// Holds those of the fibers that are alive and do not run, a batch at a time, and calls visit(fiber, where it stands in
// ids) for each. ids are sorted. Throws std::bad_alloc, and what visit throws.
void visit_held(std::span<const std::uint64_t> ids, const std::function<void(fiber&, std::size_t)>& visit);

// Of these, which wait on something, whose ids: those that still wait on the same, without a limit of time and without
// a stop.
std::vector<std::uint64_t> endless_waits(std::span<const debug::fiber_info* const> blocked);

}  // namespace gossamer::inline v0::leak
