// marking: who is lost, found out while nobody else runs: in a copy of the process, whose only thread this is, or where
// all other threads stand still. See lost.hpp. It calls neither malloc nor the runtime, and changes nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "debug/lost.hpp"
#include "fiber/fiber.hpp"
#include "sched/halt.hpp"

namespace gossamer::inline v0::leak {

// What memory does not show.
struct instant {
  std::span<const sched::halted> threads;  // all but the caller's
  const fiber* caller = nullptr;           // null: a plain thread
  const void* callers_frame = nullptr;     // see find_lost_fibers()
  pid_t callers_thread = 0;
  std::span<const std::byte> callers_signal_stack;
  std::uint64_t tcache_key = 0;
  std::span<const std::byte> answer;  // where the answer lies: shared memory, which is no root
};

// Fills `to`, returns how many there are (more than have room: those are left out), and -1 where memory was missing or
// could not be read, or the process shares some with others, who go on to write there.
std::ptrdiff_t mark(const instant& at, std::span<lost_fiber> to) noexcept;

}  // namespace gossamer::inline v0::leak
