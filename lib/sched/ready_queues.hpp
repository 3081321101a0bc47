// ready_queues: what a worker has to run. Its owner takes, in this order: the fiber that it woke last (run-next), at
// most longest_streak times in a row; then, in turn, fibers that have not started (the newest first) and fibers that go
// on (the oldest first). Thieves take the oldest half of both, and run-next only where there is nothing else.
// Source: Go runtime/proc.go (runqput, runqget, runqsteal). Differs: fibers that have not started have a queue of
// their own; what does not fit goes to the global queue.
//
// A fiber is in one place at most: run-next, one of the two queues, or the global queue.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>

#include "fiber/fiber.hpp"
#include "sched/global_queue.hpp"
#include "sched/run_queue.hpp"
#include "sched/spawn_deque.hpp"

namespace gossamer::inline v0::sched {

class ready_queues {
 public:
  // How many ready fibers are moved at once, at most.
  static constexpr std::size_t batch = run_queue<fiber>::capacity / 2;

  // How often in a row run-next is taken before it has to stand in line: two fibers that wake each other cannot starve
  // the rest.
  static constexpr std::uint32_t longest_streak = 64;

  // Unstarted fibers and ready ones have precedence in turn, for so many switches each (a power of two): a depth-first
  // tree of spawns runs ahead of what is ready, but cannot starve it.
  static constexpr std::uint32_t turn = 64;

  explicit ready_queues(global_queue& overflow) noexcept : overflow_(overflow) {}
  ready_queues(const ready_queues&) = delete;
  ready_queues& operator=(const ready_queues&) = delete;

  // -- by the owner --

  // To run next; what was there goes behind what is ready.
  void push_next(fiber* f) noexcept {
    // relaxed: a look; only the owner makes it non-null.
    if (run_next_.load(std::memory_order_relaxed) == nullptr) {
      // release: pairs with the acquire of a thief in steal_from(); it sees the fiber's fields.
      run_next_.store(f, std::memory_order_release);
    } else if (fiber* displaced = run_next_.exchange(f, std::memory_order_acq_rel)) {
      push_back(displaced);
    }
  }
  // Behind what is ready.
  void push_back(fiber* f) noexcept {
    if (!ready_.push(f)) [[unlikely]] {
      spill_ready(f);
    }
  }
  // One that has not started.
  void push_spawned(fiber* f) noexcept {
    assert(!f->started());
    if (!spawns_.push(f)) [[unlikely]] {
      spill_spawned(f);
    }
  }
  // What comes from the global queue, oldest first.
  void push_all(fiber** fibers, std::size_t n) noexcept;

  // The next to run; null where there is none, or where run-next has just been sent to the back.
  fiber* pick() noexcept {
    const std::uint64_t switches = switches_.load(std::memory_order_relaxed);
    fiber* f = pop_run_next();
    if (f == nullptr) {
      const bool spawned_first = (switches & turn) == 0;
      if (spawned_first && !spawns_.empty()) {
        f = spawns_.pop();
      }
      if (f == nullptr) {
        f = ready_.pop();
        prefetch();
      }
      if (f == nullptr && !spawned_first && !spawns_.empty()) {
        f = spawns_.pop();
      }
      if (f == nullptr) {
        return nullptr;
      }
    }
    switches_.store(switches + 1, std::memory_order_relaxed);  // relaxed: a sign of life for the lookout
    check_invariants();
    return f;
  }
  // The unstarted fiber that has waited longest, where there are others: the owner takes the newest. Null: none.
  fiber* pick_oldest_spawned() noexcept {
    fiber* const f = spawns_.size() > 1 ? spawns_.steal() : nullptr;
    if (f != nullptr) {
      count_switch();
    }
    return f;
  }
  // A fiber runs that was in none of the queues.
  void count_switch() noexcept {
    // relaxed: only the owner writes it.
    switches_.store(switches_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  // Takes half of what the victim has, the oldest first; its run-next only if there is nothing else. Called by the
  // thief for its own queues. Returns how many there were.
  std::size_t steal_from(ready_queues& victim, bool run_next_too) noexcept;
  // All goes to the global queue.
  void drain() noexcept;
  // All is dropped: nobody else uses the queues, and the fibers are abandoned.
  void forget() noexcept;

  // How many more ready fibers fit: a thief can only make it more.
  std::size_t room() const noexcept { return run_queue<fiber>::capacity - ready_.size(); }

  // -- by anyone, as hints: relaxed --

  bool empty() const noexcept {
    return run_next_.load(std::memory_order_relaxed) == nullptr && ready_.size() == 0 && spawns_.empty();
  }
  std::size_t ready() const noexcept { return ready_.size(); }
  // What a thief can take half of.
  std::size_t backlog() const noexcept { return ready_.size() + static_cast<std::size_t>(spawns_.size()); }
  bool has_run_next() const noexcept { return run_next_.load(std::memory_order_relaxed) != nullptr; }
  // Fibers that the owner has begun to run; and the same modulo 2^32, for who asks whether there were any since.
  std::uint64_t all_switches() const noexcept { return switches_.load(std::memory_order_relaxed); }
  std::uint32_t switches() const noexcept { return static_cast<std::uint32_t>(all_switches()); }
  // How many ready fibers were ever put behind others here, and taken from there; modulo 2^32.
  std::uint32_t pushed() const noexcept { return ready_.pushed(); }
  std::uint32_t popped() const noexcept { return ready_.popped(); }

  // What the lookout remembers of the queues from one step to the next.
  struct view {
    std::uint32_t switches = 0;
    std::uint32_t pushed = 0;
    std::int64_t taken = 0;
    bool has_spawned = false;
    const fiber* run_next = nullptr;
  };
  view look() const noexcept {
    // relaxed, throughout: only times passing are of interest.
    return {switches(), ready_.pushed(), spawns_.taken(), !spawns_.empty(), run_next_.load(std::memory_order_relaxed)};
  }
  // Whether something that was there at `before` is there still, and could have run: `now` is the look that came after.
  bool has_waited(const view& before, const view& now) const noexcept {
    const bool ready_waited = static_cast<std::int32_t>(before.pushed - ready_.popped()) > 0;
    const bool spawned_waited = before.has_spawned && now.has_spawned && now.taken == before.taken;
    const bool next_waited =
        now.switches == before.switches && now.run_next != nullptr && now.run_next == before.run_next;
    return ready_waited || spawned_waited || next_waited;
  }

 private:
  // By the owner: thieves only make the queues shorter.
  void check_invariants() const noexcept {
    assert(ready_.size() <= run_queue<fiber>::capacity);
    assert(spawns_.size() <= spawn_deque<fiber>::capacity);
  }

  fiber* pop_run_next() noexcept {
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

  // A long queue of fibers that have been parked for long is a queue of cache and TLB misses: a record, then its stack.
  void prefetch() noexcept {
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

  void spill_ready(fiber* extra) noexcept;
  void spill_spawned(fiber* extra) noexcept;

  global_queue& overflow_;
  // What others read stands below; this line the owner writes at each switch, and others only look at now and then.
  alignas(64) std::atomic<fiber*> run_next_{nullptr};
  std::atomic<std::uint64_t> switches_{0};
  std::uint32_t streak_ = 0;  // how often in a row run_next_ was taken
  run_queue<fiber> ready_;
  spawn_deque<fiber> spawns_;
};

// The older half of the queue goes to the global queue, and `extra` behind it.
[[gnu::noinline]] inline void ready_queues::spill_ready(fiber* extra) noexcept {
  std::array<fiber*, batch + 1> out;
  std::size_t n = ready_.pop_half(out.data());
  out[n++] = extra;
  overflow_.push(out.data(), n);
}

[[gnu::noinline]] inline void ready_queues::spill_spawned(fiber* extra) noexcept {
  std::array<fiber*, 256> out;
  std::size_t n = 0;
  while (n + 1 < out.size()) {
    fiber* f = spawns_.steal();
    if (f == nullptr) {
      break;
    }
    out[n++] = f;
  }
  if (!spawns_.push(extra)) {
    out[n++] = extra;
  }
  overflow_.push(out.data(), n);
}

inline void ready_queues::push_all(fiber** fibers, std::size_t n) noexcept {
  // Once a fiber is pushed another worker may start it, so it is looked at before.
  std::size_t unstarted = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (fibers[i]->started()) {
      push_back(fibers[i]);
    } else {
      fibers[unstarted++] = fibers[i];
    }
  }
  for (std::size_t i = unstarted; i > 0; --i) {
    push_spawned(fibers[i - 1]);  // newest first: the oldest is popped first
  }
  check_invariants();
}

inline std::size_t ready_queues::steal_from(ready_queues& victim, bool run_next_too) noexcept {
  assert(&victim != this);
  const std::int64_t half = std::min<std::int64_t>((victim.spawns_.size() + 1) / 2, batch);
  std::int64_t got = 0;
  while (got < half) {
    fiber* f = victim.spawns_.steal();
    if (f == nullptr) {
      break;
    }
    push_spawned(f);
    ++got;
  }
  std::array<fiber*, batch> out;
  const std::uint32_t n = victim.ready_.steal(out.data());
  for (std::uint32_t i = 0; i < n; ++i) {
    push_back(out[i]);
  }
  if (got > 0 || n > 0) {
    return static_cast<std::size_t>(got) + n;
  }
  if (run_next_too && victim.has_run_next()) {
    // acquire: pairs with the release in push_next().
    if (fiber* f = victim.run_next_.exchange(nullptr, std::memory_order_acquire)) {
      push_back(f);
      return 1;
    }
  }
  return 0;
}

inline void ready_queues::drain() noexcept {
  while (fiber* f = ready_.pop()) {
    overflow_.push(f);
  }
  while (!spawns_.empty()) {
    if (fiber* f = spawns_.steal()) {  // none where a thief was faster: there may be more
      overflow_.push(f);
    }
  }
  if (fiber* f = run_next_.exchange(nullptr, std::memory_order_acquire)) {
    overflow_.push(f);
  }
}

inline void ready_queues::forget() noexcept {
  run_next_.store(nullptr, std::memory_order_relaxed);  // relaxed: all workers stand still
  while (ready_.pop() != nullptr) {
  }
  while (spawns_.pop() != nullptr) {
  }
}

}  // namespace gossamer::inline v0::sched
