// running_trace: the stack of a fiber that walks its own, quickly: the way from frame to frame is worked out once for
// each place (machine/frame_rules.hpp), for all fibers.
#pragma once

#include "fiber/fiber.hpp"
#include "machine/address_list.hpp"
#include "machine/throw_site.hpp"

namespace gossamer::inline v0::sched {

// Of the callers of the function with that __builtin_frame_address(0), which must keep one, on this thread. Where it
// returns false nothing is known, and there is the unwinder: on plain threads, at a place with unusual rules, and while
// another thread is at it.
bool trace_callers(const void* frame, machine::stack_trace& to) noexcept;
bool trace_callers(const void* frame, machine::address_list& to) noexcept;

}  // namespace gossamer::inline v0::sched
