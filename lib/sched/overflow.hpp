// overflow: a fiber that runs into the guard below its stack is reported by name, never silently lost; and one that
// faults elsewhere is named before the process ends.
#pragma once

#include "fiber/fiber.hpp"

namespace gossamer::inline v0::sched {

// Once, when the runtime starts: takes SIGSEGV over. Faults that are no overflow of a fiber's stack go to whoever had
// the signal before; if that was nobody a fiber's fault is reported, and the signal does what it does by default. Does
// nothing under the address and thread sanitizers, which own the signal.
void watch_for_overflow() noexcept;

// By each worker thread at its start: gives it a stack for the handler.
void prepare_signal_stack() noexcept;

// The end of the process, for a fiber whose frame jumped over the guard: what was compiled without
// -fstack-clash-protection may do so untouched by it, and by now lie on a stranger's stack. From the fiber itself.
[[noreturn]] void report_jump_over_guard(const fiber& f) noexcept;

}  // namespace gossamer::inline v0::sched
