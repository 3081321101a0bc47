// sample: what a fiber that runs is at, by a signal to its worker's thread, whose handler walks the stack that it has
// interrupted.
//
// The signal is SIGURG, as for Go's preemption, and for the same reasons: hardly anybody uses it, it is ignored by
// default, and debuggers let it through. One that is not ours goes to the handler that was there before. The handler
// allocates nothing and takes no lock: the unwinder of today's C library finds its tables without one.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "fiber/fiber.hpp"
#include "fiber/locals.hpp"
#include "machine/throw_site.hpp"

namespace gossamer::inline v0::sched {

class worker;

inline constexpr int sample_signal = 23;  // SIGURG; checked in sample.cpp

struct running_sample {
  machine::stack_trace trace;
  std::string name;
  const detail::label_set* labels = nullptr;  // a reference; the caller's to drop
};

enum class sampled : std::uint8_t {
  done,
  moved,   // it does not run any more, or is about to leave
  late,    // its thread has not answered in time: it has no CPU, or the signal is blocked there
  silent,  // it is in an announced blocking call, or the signal is not ours
};

// Once, when the runtime starts.
void prepare_to_sample() noexcept;

// Sends the signal, known for ours; false where that fails. A handler of somebody else's, who has taken the signal
// over, gets it.
bool send_sample_signal(pid_t thread) noexcept;
bool sample_signal_is_ours() noexcept;

// The worker that runs f at this moment; null: none.
worker* worker_of(const fiber& f) noexcept;

// f is the fiber `id`, and somebody else runs it. One sample at a time in the process. Throws std::bad_alloc.
sampled sample(const fiber& f, std::uint64_t id, running_sample& to, std::chrono::nanoseconds patience);

}  // namespace gossamer::inline v0::sched
