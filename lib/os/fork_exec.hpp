// fork_exec: a new process that becomes a program. Source: Go's forkAndExecInChild, and what posix_spawn does.
//
// The child shares this process's memory until it is the program, and the calling thread stands still meanwhile:
// nothing is copied, however much there is. So it may make system calls only, on a stack of its own, with every signal
// blocked until each has its default: a handler would run in the midst of this process. Where it changes its user it
// gets copied memory instead: what the kernel forbids others to see of a process that has changed its user it forbids
// by the memory, and would forbid it of this one, too (no core, no debugger). Rejected: posix_spawn, which knows no
// users, roots and terminals.
#pragma once

#include <sys/types.h>

#include <span>

#include "gossamer/os/sys_proc_attr.hpp"

namespace gossamer::inline v0::os {

// All that the child needs. What it points to is there before, and does not change meanwhile.
struct birth {
  const char* path = nullptr;
  char* const* args = nullptr;
  char* const* env = nullptr;
  const char* dir = nullptr;  // null: this process's
  // numbers[i] becomes its i; -1: its i is closed. None of them is less than numbers.size(), so none is overwritten
  // before its turn.
  std::span<const int> numbers;
  const sys_proc_attr& attributes;
};

// Blocks until the child is the program, or has failed, and is no more then. The errno; `child` where it is 0.
int fork_exec(const birth& what, pid_t& child) noexcept;

}  // namespace gossamer::inline v0::os
