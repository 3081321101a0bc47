// park: how everything that blocks gives up its worker, and how it is made to go on. All that ranks above lib/sched
// need to know of the scheduler.
#pragma once

#include <chrono>
#include <cstdint>
#include <source_location>
#include <span>

#include "fiber/fiber.hpp"
#include "gossamer/detail/deadline.hpp"
#include "gossamer/detail/spin_lock.hpp"
#include "wait/timer_node.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::sched {

// The calling fiber; or, on a plain thread, the record through which it waits. Fatal where there is no memory for one.
fiber* current() noexcept;

// Whether spinning for a moment can make sense: another worker is running, and nothing waits for the caller's.
// Source: Go's runtime_canSpin.
bool can_spin() noexcept;

// The number of workers that run fibers at the same time, also before they are started.
int procs() noexcept;

// A number below n (n > 0), for choices that must be fair: each worker and each plain thread has its own generator.
std::uint32_t random_below(std::uint32_t n) noexcept;

// One wait, as park() needs to know it. Lies on the waiter's stack.
struct parking {
  wait::ticket& ticket;
  wait_reason reason;
  const void* object;
  std::source_location where;
  detail::deadline until = detail::no_deadline;
  std::span<const detail::held_lock> locks{};
};

// P3: gives the worker to another fiber; when that runs, releases the locks and arms the deadline. Returns once the
// ticket has been claimed and its owner made ready; ticket.result says by whom. On a plain thread it blocks the thread.
void park(const parking& p) noexcept;

// Before a park() with a deadline, and before any lock is held, in the same run of the fiber: makes room for the timer.
// Throws std::bad_alloc.
void prepare_deadline();

// P5: makes a fiber (or thread) whose ticket was claimed go on. Touches nothing but its record.
void ready(fiber* f) noexcept;

// The same, but behind all that is ready, and nobody is woken to run it: for what a timer does when it is due.
void ready_last(fiber* f) noexcept;

// The same for several, linked by `next` (see ready_list), in order.
class ready_list {
 public:
  void add(fiber* f) noexcept {
    f->next = nullptr;
    (tail_ != nullptr ? tail_->next : head_) = f;
    tail_ = f;
  }
  void ready_all() noexcept;

 private:
  fiber* head_ = nullptr;
  fiber* tail_ = nullptr;
};

// A timer, under its own lock and in no heap, is to fire at `when`, and then every `period` (0: never again). True if
// look_at_timers() must be called once that lock is released. Throws std::bad_alloc. From anywhere: on a plain thread
// it starts the runtime, as go() does.
bool add_timer(wait::timer_node& t, detail::deadline when, std::chrono::nanoseconds period, std::uint32_t turn);
// Some worker looks at the timers in time.
void look_at_timers() noexcept;
// A timer that was added is in no heap from here on. It may have been taken out to fire just before: under its lock its
// owner turns it on, so that fire() does not find the turn that it was added with.
void remove_timer(wait::timer_node& t) noexcept;

// What is looked after now and then though nobody calls: some worker calls f(), on its own stack, so it must not block,
// when upkeep_period has passed since, and again as long as it returns true. There is one f in the process. It keeps no
// process alive and no deadlock from its report. From anywhere; a plain thread starts no runtime by it.
inline constexpr std::chrono::seconds upkeep_period{2};
using upkeep_function = bool (*)() noexcept;
void look_after(upkeep_function f) noexcept;

// A fiber that will call body(argument) once it is made ready. Fatal where there is no memory for it.
fiber* new_fiber(void (*body)(void*), void* argument, const void* spawn_site) noexcept;

}  // namespace gossamer::inline v0::sched
