// forked: the child of a fork() has only the thread that forked, and copies of locks that nobody will release. Without
// the other threads nothing of the runtime works there, so the child may only exec, or _exit: whatever would need the
// runtime ends it instead, with a report.
//
// Nothing looks at the mark but slow paths, and those that would wait: the child is led into them (see
// sched/process.cpp).
#pragma once

#include <atomic>
#include <cstdint>

namespace gossamer::inline v0::base {

extern std::atomic<bool> forked_child;

// relaxed: set before the child's only thread goes on.
inline bool in_forked_child() noexcept { return forked_child.load(std::memory_order_relaxed); }

// In the child. `fiber` is the one that forked, 0 for a plain thread.
void mark_forked_child(std::uint64_t fiber) noexcept;

// The fatal report, exit code 2. Leaves stdout alone: what is in its buffer is the parent's.
[[noreturn]] void fatal_in_forked_child() noexcept;

// For what cannot work in a child. Anywhere else it does nothing.
inline void not_in_forked_child() noexcept {
  if (in_forked_child()) [[unlikely]] {
    fatal_in_forked_child();
  }
}

}  // namespace gossamer::inline v0::base
