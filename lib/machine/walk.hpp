// walk: the frames of a context that does not run, without a touch of its stack.
//
// A frame in assembly (walk.S) says of itself that it was called by the parked context, and calls the unwinder of the
// C++ runtime: so it works on optimised code without frame pointers, on the walker's stack, and at 0.1 us a frame.
// Whether the context is laid out as that frame says is tried out before the first walk; where it is not, the frame
// pointers of the library's own functions, and of what else has them, are followed. Who walks many stacks brings
// frame_rules, which take half of the time.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "machine/context.hpp"
#include "machine/frame_rules.hpp"
#include "machine/throw_site.hpp"

namespace gossamer::inline v0::machine {

// Replaces what the trace had. The context stays parked meanwhile. `low` and `high` bound its stack.
void trace_context(context parked, const void* low, const void* high, stack_trace& trace,
                   frame_rules* rules = nullptr) noexcept;

#if defined(__x86_64__)
#define GOSSAMER_KEEPS_FRAMES 1  // blocking_begin() is in walk.S
#else
#define GOSSAMER_KEEPS_FRAMES 0
#endif

// A caller, as it stood when it called, to be walked from while the call lasts: what the call has to preserve, and
// where it returns to. Its layout is walk.S's.
struct kept_frame {
  std::array<const void*, 2> unused;
  std::array<const void*, 7> registers;
  const void* stack_pointer = nullptr;
};
static_assert(offsetof(kept_frame, stack_pointer) == 0x48);

// As trace_context(); the frames of the call itself are not there.
void trace_kept(const kept_frame& frame, stack_trace& trace) noexcept;

// In a signal handler, by what it got as its third argument: the stack pointer of what it has interrupted.
const void* interrupted_stack_pointer(const void* handler_argument) noexcept;

// The same: all general registers, and the instruction that it was at. None where the layout is not known.
std::span<const long long> interrupted_registers(const void* handler_argument) noexcept;
const void* interrupted_instruction(const void* handler_argument) noexcept;
// Whether the instruction there, or the one before it, is a system call. Those bytes can be read.
bool is_at_system_call(const void* instruction) noexcept;

// For tests: as if the contexts were laid out otherwise.
extern bool layout_is_unknown;

}  // namespace gossamer::inline v0::machine
