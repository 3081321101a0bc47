// process: the runtime's part in what the process does as a whole: exit() and fork(), and its own place in it.
#pragma once

#include <cstdint>

#include "fiber/fiber.hpp"

namespace gossamer::inline v0::sched {

// So long the workers have to stand still when main has returned, or exit() was called; ns.
inline constexpr std::int64_t exit_grace = 1'000'000'000;

// Once, before anything else is started: what the process is to call, that this object stays loaded, and that no other
// copy of the library runs fibers (fatal).
void join_process() noexcept;

// By a worker's thread: should exit() be called on it, all workers stand still before anything is destroyed.
void watch_for_exit() noexcept;

// Whether exit() has been called on another thread, or on this one.
bool exit_is_elsewhere() noexcept;
bool exit_is_here() noexcept;

// By who ends the process: whether f, which another worker runs, is inside exit() too, where it waits for good: a C
// library that lets only one thread in (glibc 2.41) has it wait before it calls anything of ours.
bool waits_in_exit(const fiber& f) noexcept;

// Returns at once, unless exit() has been called on another thread: then it waits for the end.
void give_way_to_exit() noexcept;

// By a worker that is to stand still: fatal if it is the one whose fiber has called exit(), and so blocks in a static
// destructor or an exit handler, where nobody can wake it.
void refuse_to_block_exit() noexcept;

}  // namespace gossamer::inline v0::sched
