// report: what the runtime prints when a fiber cannot go on.
#pragma once

#include "fiber/fiber.hpp"

namespace gossamer::inline v0::sched {

// Runs a fiber's closure. An exception that leaves it ends the process: `panic: TEXT`, the fiber, its spawn site, exit
// code 2.
void run_body(fiber& f) noexcept;

// `fiber N [STATE]:` and `created by F in fiber P`.
void print_fiber(const fiber& f, std::string_view state) noexcept;

[[noreturn]] void fatal_out_of_stacks(const fiber& f) noexcept;

// The main fiber's last act.
void main_has_returned() noexcept;

// Nothing can ever run again: `all fibers are asleep - deadlock!`, and every fiber, main first.
[[noreturn]] void fatal_deadlock() noexcept;

}  // namespace gossamer::inline v0::sched
