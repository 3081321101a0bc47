// worker: its queues. See worker.hpp.
#include "sched/worker.hpp"

#include <array>
#include <cassert>

#include "base/forked.hpp"
#include "base/stress.hpp"
#include "fiber/inspect.hpp"
#include "sched/runtime.hpp"
#include "sched/this_thread.hpp"

namespace gossamer::inline v0::sched {

namespace {

// In a row, before run_next_ has to stand in line: two fibers that wake each other cannot starve the rest.
constexpr std::uint32_t longest_streak = 64;

// Unstarted fibers and ready ones have precedence in turn, for so many switches each (a power of two): a depth-first
// tree of spawns runs ahead of what is ready, but cannot starve it.
constexpr std::uint32_t turn = 64;

// Work for so long, in ns, is worth another worker.
constexpr detail::deadline worth_waking = 200'000;

constexpr std::size_t record_batch = 64;
constexpr std::uint64_t id_block = 1024;

}  // namespace

worker::worker(int index, std::uint64_t seed) noexcept : index_(index), rng_(seed + static_cast<std::uint64_t>(index)) {
  timers_.set_index(static_cast<std::uint16_t>(index));
}

void worker::push_next(fiber* f) noexcept {
  // relaxed: a look; only this worker makes it non-null.
  if (run_next_.load(std::memory_order_relaxed) == nullptr) {
    // release: pairs with the acquire of a thief in steal_from(); it sees the fiber's fields.
    run_next_.store(f, std::memory_order_release);
  } else if (fiber* displaced = run_next_.exchange(f, std::memory_order_acq_rel)) {
    push_back(displaced);
  }
}

void worker::push_back(fiber* f) noexcept {
  if (!ready_.push(f)) [[unlikely]] {
    spill_ready(f);
  }
}

void worker::push_in_line(fiber* f) noexcept {
  if (the_runtime.global.empty()) {
    push_back(f);
  } else {
    the_runtime.global.push(f);
  }
}

void worker::push_spawned(fiber* f) noexcept {
  if (!spawns_.push(f)) [[unlikely]] {
    spill_spawned(f);
  }
}

void worker::wake_if_needed() noexcept {
  const std::uint32_t state = the_runtime.idle.state();
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
  const std::uint32_t state = the_runtime.idle.state();
  const bool left = (state & idle_set::lookout_active) != 0;
  if (state == 0 || (left && static_cast<detail::deadline>(ready_.size()) * usual_run_ < worth_waking)) {
    return;
  }
  wake_now(state);
}

// The older half of the queue goes to the global queue, and `extra` behind it.
void worker::spill_ready(fiber* extra) noexcept {
  std::array<fiber*, run_queue<fiber>::capacity / 2 + 1> batch;
  std::size_t n = ready_.pop_half(batch.data());
  batch[n++] = extra;
  the_runtime.global.push(batch.data(), n);
}

void worker::spill_spawned(fiber* extra) noexcept {
  std::array<fiber*, 256> batch;
  std::size_t n = 0;
  while (n + 1 < batch.size()) {
    fiber* f = spawns_.steal();
    if (f == nullptr) {
      break;
    }
    batch[n++] = f;
  }
  if (!spawns_.push(extra)) {
    batch[n++] = extra;
  }
  the_runtime.global.push(batch.data(), n);
}

fiber* worker::pop_run_next() noexcept {
  if (run_next_.load(std::memory_order_relaxed) == nullptr) {
    streak_ = 0;
    return nullptr;
  }
  // acquire: a fiber that was put there is this worker's own, but may have been readied under another's lock.
  fiber* f = run_next_.exchange(nullptr, std::memory_order_acquire);
  if (f != nullptr && ++streak_ > longest_streak && ready_.size() + spawns_.size() > 0) {
    streak_ = 0;
    push_back(f);
    return nullptr;
  }
  return f;
}

// The next fiber of this worker's own queues, marked as running; null where there is none, where it is time to look
// around, or where only the worker's own stack may deal with it (then it is in handoff_).
fiber* worker::pick_local() noexcept {
  if (budget_ == 0 || --budget_ == 0) [[unlikely]] {
    return nullptr;
  }
  const std::uint32_t switches = switches_.load(std::memory_order_relaxed);
  fiber* f = pop_run_next();
  if (f == nullptr) {
    const bool spawned_first = (switches & turn) == 0;
    if (spawned_first && !spawns_.empty()) {
      f = spawns_.pop();
    }
    if (f == nullptr) {
      f = ready_.pop();
      prefetch_ready();
    }
    if (f == nullptr && !spawned_first && !spawns_.empty()) {
      f = spawns_.pop();
    }
    if (f == nullptr) {
      return nullptr;
    }
  }
  switches_.store(switches + 1, std::memory_order_relaxed);  // relaxed: a sign of life for the lookout
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

// A long queue of fibers that have been parked for long is a queue of cache and TLB misses: a record, then its stack.
void worker::prefetch_ready() noexcept {
  constexpr std::uint32_t far = 7;
  constexpr std::uint32_t near = 3;
  if (const fiber* later = ready_.peek(far)) {
    __builtin_prefetch(later, 1);
    __builtin_prefetch(&later->context, 1);
    // Racy, and harmless: records are type-stable, and the address is only a hint.
    if (fiber* soon = ready_.peek(near)) {
      const void* top = __atomic_load_n(&soon->context, __ATOMIC_RELAXED);
      __builtin_prefetch(top, 1);
      __builtin_prefetch(static_cast<const std::byte*>(top) + 64, 1);
    }
  }
}

fiber* worker::take_record() noexcept {
  if (free_records_.head == nullptr) [[unlikely]] {
    base::not_in_forked_child();
    free_records_ = records.take(record_batch);
    if (free_records_.head == nullptr) {
      return nullptr;
    }
  }
  return free_records_.pop();
}

void worker::give_record(fiber* f) noexcept {
  free_records_.push(f);
  if (free_records_.size > 2 * record_batch) [[unlikely]] {
    record_list back;
    while (back.size < record_batch) {
      back.push(free_records_.pop());
    }
    records.give(back);
  }
}

std::uint64_t worker::next_id() noexcept {
  if (next_id_ == id_end_) [[unlikely]] {
    next_id_ = the_runtime.ids.fetch_add(id_block, std::memory_order_relaxed);  // relaxed: only unique
    id_end_ = next_id_ + id_block;
  }
  return next_id_++;
}

void worker::forget_all() noexcept {
  handoff_ = nullptr;
  locked_ = nullptr;
  locks_ = 0;
  pin_word_.store(0, std::memory_order_relaxed);
  run_next_.store(nullptr, std::memory_order_relaxed);  // relaxed, here and below: all workers stand still
  while (ready_.pop() != nullptr) {
  }
  while (spawns_.pop() != nullptr) {
  }
  timers_.clear();
}

}  // namespace gossamer::inline v0::sched
