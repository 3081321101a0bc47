// report: what the runtime prints when a fiber cannot go on.
#pragma once

#include <string_view>

#include "fiber/fiber.hpp"
#include "machine/throw_site.hpp"

namespace gossamer::inline v0::sched {

// Runs a fiber's closure. False if it left by runtime::goexit(). An exception that leaves it ends the process: `panic:
// TEXT`, the fiber, the frames that threw it, its spawn site, exit code 2.
bool run_body(fiber& f) noexcept;

// `fiber N "NAME" [STATE] {LABELS}:`, the frames, where there are any, and `created by F in fiber P`.
void print_fiber(const fiber& f, std::string_view state, const machine::stack_trace* trace = nullptr) noexcept;
// The fiber that runs on this thread, after the first line of a report about it; on a plain thread the frames alone.
void print_running(const machine::stack_trace* trace) noexcept;
// The frames alone, without those of throwing.
void print_trace(const machine::stack_trace& trace) noexcept;
// The end of a report about that fiber (null: about none): the others, where the environment asks for them.
void print_others(const fiber* but) noexcept;

[[noreturn]] void fatal_out_of_stacks(const fiber& f) noexcept;
// The stack that f runs on has overflowed into its canary.
[[noreturn]] void fatal_broken_canary(const fiber& f) noexcept;

// A fiber that is main, is locked to its thread, or has fiber-locals has run to its end, or left by goexit.
void end_unusual(fiber& f, bool returned) noexcept;

// The main fiber's last act.
void main_has_returned() noexcept;
// The main fiber has left by runtime::goexit(): the others go on.
void main_has_exited() noexcept;
// After a fiber has been counted as ended, once main has exited: fatal if it was the last one.
void check_for_last_fiber() noexcept;

// Nothing can ever run again: `all fibers are asleep - deadlock!`, and every fiber, main first.
[[noreturn]] void fatal_deadlock() noexcept;

}  // namespace gossamer::inline v0::sched
