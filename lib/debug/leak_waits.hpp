// leak_waits: what the rules of leak.hpp need to know of a blocked fiber, and can be seen only while it is held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "fiber/frames.hpp"
#include "gossamer/debug.hpp"

namespace gossamer::inline v0::leak {

// A fiber that is blocked with a chan, a mutex or an rw_mutex, without a limit of time and without a stop.
struct endless_wait {
  std::uint64_t id = 0;
  const void* object = nullptr;
  // Of a chan; 0 where they were not read, and of a timer's.
  std::size_t references = 0;
  // Where words are that refer to the chan: so many in its closure; and, by their distance from its stack pointer,
  // those on its stack. Above which of them its own frames begin is told by the return addresses and where they lie.
  std::size_t in_closure = 0;
  std::vector<std::size_t> on_stack;
  std::vector<std::pair<const void*, std::size_t>> returns;
};

// Of these, which are in such a wait still.
std::vector<endless_wait> endless_waits(std::span<const debug::fiber_info* const> blocked);

// How many of the references its closure and its own frames may have; those of the library's below refer to the chan
// too, but are none.
std::size_t own_references(const endless_wait& wait, frames::names& names);

// Which of the chans (sorted) are referred to by the closure or the stack of a fiber that is not blocked in a send to
// or a receive from it. The caller's own stack counts from that frame on; null: not at all. Looks at what runs, so it
// may miss one.
std::vector<const void*> referred_to_elsewhere(std::span<const void* const> chans, const void* callers_frame);

}  // namespace gossamer::inline v0::leak
