// worker: its queues. See worker.hpp.
#include "sched/worker.hpp"

#include <cassert>

#include "base/stress.hpp"
#include "fiber/inspect.hpp"
#include "sched/scheduler.hpp"
#include "sched/this_thread.hpp"

namespace gossamer::inline v0::sched {

namespace {

// Work for so long, in ns, is worth another worker.
constexpr detail::deadline worth_waking = 200'000;

}  // namespace

worker::worker(int index, std::uint64_t seed) noexcept
    : records_(the_scheduler.ids),
      index_(index),
      rng_(seed + static_cast<std::uint64_t>(index)),
      queues_(the_scheduler.global) {
  timers_.set_index(static_cast<std::uint16_t>(index));
}

void worker::push_next(fiber* f) noexcept { queues_.push_next(f); }

void worker::push_back(fiber* f) noexcept { queues_.push_back(f); }

void worker::push_in_line(fiber* f) noexcept {
  if (the_scheduler.global.empty()) {
    push_back(f);
  } else {
    the_scheduler.global.push(f);
  }
}

void worker::push_spawned(fiber* f) noexcept { queues_.push_spawned(f); }

void worker::wake_if_needed() noexcept {
  const std::uint32_t state = the_scheduler.idle.state();
  // I: nobody is idle, or the lookout will see in time what is still waiting.
  if (state == 0 || ((state & idle_set::lookout_active) != 0 && !long_runs_.load(std::memory_order_relaxed)))
      [[likely]] {
    return;
  }
  wake_now(state);
}

// Waking a thread costs 10 us and more, and it comes after 50: that pays only where what waits keeps this worker busy
// for long. Where it is held back the lookout takes what nevertheless waits.
void worker::wake_for_batch() noexcept {
  const std::uint32_t state = the_scheduler.idle.state();
  const bool left = (state & idle_set::lookout_active) != 0;
  if (state == 0 || (left && static_cast<detail::deadline>(queues_.ready()) * pacer_.usual_run() < worth_waking)) {
    return;
  }
  wake_now(state);
}

// The next fiber of this worker's own queues, marked as running; null where there is none, where it is time to look
// around, or where only the worker's own stack may deal with it (then it is in handoff_).
fiber* worker::pick_local() noexcept {
  if (!pacer_.tick()) [[unlikely]] {
    return nullptr;
  }
  fiber* f = queues_.pick();
  if (f == nullptr) {
    return nullptr;
  }
  base::stress_point();
  mark_running(*f);
  if (attention.load(std::memory_order_relaxed) != 0) [[unlikely]] {
    handoff_ = f;
    return nullptr;
  }
  return f;
}

// Before the look at `attention`.
void worker::mark_running(fiber& f) noexcept {
  [[maybe_unused]] const fiber_state was = f.state.load(std::memory_order_relaxed);
  assert(was == fiber_state::runnable || (was == fiber_state::unstarted && !f.started()));
  // relaxed: see fiber/inspect.hpp. The compiler keeps the order; the processor is made to by the inspector's
  // membarrier.
  f.state.store(fiber_state::running, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

void worker::forget_all() noexcept {
  handoff_ = nullptr;
  pin_.forget();
  queues_.forget();
  timers_.clear();
}

}  // namespace gossamer::inline v0::sched
