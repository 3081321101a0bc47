// halt: every other thread of the process stands still for a moment, wherever it is, and leaves its registers on its
// stack. By the signal of sample.hpp, whose handler calls halt_here().
//
// While they stand nothing may be waited for but them: they may hold any lock, malloc's too.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <span>

namespace gossamer::inline v0::sched {

struct halted {
  pid_t thread = 0;
  const void* stack_pointer = nullptr;  // of what was interrupted; red zone below it
  const void* saved = nullptr;          // the handler's third argument: the registers, and all that lies above them
};

class halt {
 public:
  // Asks all others, and waits for so long at most. One at a time in the process. Allocates nothing.
  explicit halt(std::chrono::nanoseconds patience) noexcept;
  halt(const halt&) = delete;
  halt& operator=(const halt&) = delete;
  // They go on.
  ~halt();

  // Whether every thread but the caller's stands still. One that blocks the signal, or has no CPU, does not.
  bool complete() const noexcept { return complete_; }
  std::span<const halted> threads() const noexcept;

 private:
  bool ask_those_who_run() noexcept;

  bool complete_ = false;
};

// Whether a thread would let a halt wait in vain, and all others with it. By who would halt them.
bool some_thread_blocks_halt() noexcept;

// In the handler of the signal: false if nobody has asked this thread; else returns when it may go on.
bool halt_here(const void* handler_argument) noexcept;

}  // namespace gossamer::inline v0::sched
