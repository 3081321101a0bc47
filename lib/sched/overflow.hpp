// overflow: a fiber that runs into the guard below its stack is reported by name, never silently lost.
#pragma once

namespace gossamer::inline v0::sched {

// Once, when the runtime starts: takes SIGSEGV over. Faults that are no overflow of a fiber's stack go to whoever had
// the signal before. Does nothing under the address and thread sanitizers, which own the signal.
void watch_for_overflow() noexcept;

// By each worker thread at its start: gives it a stack for the handler.
void prepare_signal_stack() noexcept;

}  // namespace gossamer::inline v0::sched
