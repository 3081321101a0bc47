// lost: which fibers can never go on, whatever happens, as nothing that can still run reaches what they wait on.
//
// Memory is marked from all that can still run, conservatively: each aligned word that may be an address is one, and
// keeps the whole block of the heap that it points into. The roots are the writable memory of the program and its
// libraries, the stacks and registers of the threads, and the fibers that can run by themselves: those that run or are
// about to, that sleep, wait for I/O, are in a blocking call, or wait with a limit. Of a fiber that waits without one
// nothing counts until what it waits on has been reached: then its closure, its locals and its stack do. Who is not
// reached in the end is lost. Where blocks of the heap are not known, all of its memory is a root: less is told, and
// nothing that is false.
//
// It is the state of one instant. All threads stand still (sched/halt.hpp) while the process is copied by clone(), as
// fork() does; then they go on, and the copy looks at itself. A process with little memory is not copied, but looked
// through while they stand.
//
// Source: the rule is that of Go 1.27's goroutineleak profile (Saioc and others, "Dynamic partial deadlock detection
// and recovery via garbage collection").
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "machine/context.hpp"

// Where the frame of the caller of a function begins, its registers included; in a function that begins with
// GOSSAMER_SAVE_REGISTERS(), and goes on after the call for which it is wanted: GOSSAMER_KEEP_FRAME().
#define GOSSAMER_CALLERS_FRAME() \
  (static_cast<const std::byte*>(__builtin_frame_address(0)) - gossamer::machine::callers_register_bytes)
#define GOSSAMER_KEEP_FRAME() asm volatile("" ::: "memory")

namespace gossamer::inline v0::leak {

struct lost_fiber {
  std::uint64_t id = 0;
  // One that is lost itself, and whose closure or stack refers to what this one waits on; 0: none but its own do.
  std::uint64_t holder = 0;
};

struct lost_fibers {
  std::vector<lost_fiber> all;  // by id
  // Why nothing could be said; empty: all of them are known.
  std::string_view unknown;
  // When that was: who waits has waited so long then.
  std::chrono::steady_clock::time_point at = std::chrono::steady_clock::now();

  const lost_fiber* find(std::uint64_t id) const noexcept;
};

// From a fiber or a plain thread; blocks the thread, for about as long as it takes to read all memory. Nobody else is
// held for longer than the copying takes, or the search where there is no copy. Who is lost is marked so
// (fiber_info::leaked). callers_frame: of the caller's stack, what counts begins there; null: nothing of it does.
// Throws std::bad_alloc.
lost_fibers find_lost_fibers(const void* callers_frame);

}  // namespace gossamer::inline v0::leak
