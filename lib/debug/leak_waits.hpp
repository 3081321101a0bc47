// leak_waits: what the rules of leak.hpp need to know of a blocked fiber, and can be seen only while it is held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "gossamer/debug.hpp"

namespace gossamer::inline v0::leak {

// A fiber that is blocked with a chan, a mutex or an rw_mutex, without a limit of time and without a stop.
struct endless_wait {
  std::uint64_t id = 0;
  const void* object = nullptr;
  // Of a chan; 0 where they were not read, and of a timer's.
  std::size_t references = 0;
  // How many words of its closure refer to the chan. Those are its handles: of a closure, which is alive as long as the
  // fiber and lies where all of it is known, nothing is left over from others, and a handle that was moved out of it is
  // nil. (Rejected: the words on its stack, too. Most are copies that are dead, and any number of those may stand for
  // handles elsewhere.)
  std::size_t in_closure = 0;
};

// Of these, which are in such a wait still.
std::vector<endless_wait> endless_waits(std::span<const debug::fiber_info* const> blocked);

// Which of the chans (sorted) are referred to by the closure or the stack of a fiber that is not blocked in a send to
// or a receive from it. The caller's own stack counts from that frame on; null: not at all. Looks at what runs, so it
// may miss one.
std::vector<const void*> referred_to_elsewhere(std::span<const void* const> chans, const void* callers_frame);

}  // namespace gossamer::inline v0::leak
