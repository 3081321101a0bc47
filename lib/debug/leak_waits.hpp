// leak_waits: what the rules of leak.hpp need to know of a blocked fiber, and can be seen only while it is held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "gossamer/debug.hpp"

namespace gossamer::inline v0::leak {

// A fiber that is blocked with a mutex or an rw_mutex, without a limit of time and without a stop.
struct endless_wait {
  std::uint64_t id = 0;
  const void* object = nullptr;
};

// Of these, which are in such a wait still.
std::vector<endless_wait> endless_waits(std::span<const debug::fiber_info* const> blocked);

}  // namespace gossamer::inline v0::leak
