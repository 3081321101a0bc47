// park: how everything that blocks gives up its worker, and how it is made to go on. All that ranks above lib/sched
// need to know of the scheduler.
#pragma once

#include <chrono>
#include <cstdint>
#include <source_location>
#include <span>

#include "fiber/fiber.hpp"
#include "fiber/fiber_list.hpp"
#include "gossamer/detail/deadline.hpp"
#include "gossamer/detail/spin_lock.hpp"
#include "wait/timer_node.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::sched {

// Thrown by current() where nothing may park; `name` is the handler or the scope.
struct must_not_park {
  const char* name;
};

// The calling fiber; or, on a plain thread, the record through which it waits. Fatal where there is no memory for one.
// Throws must_not_park on a worker's own stack, where a handler runs, and, where assertions are on, in a no_suspend.
fiber* current();

// Panics: `no_suspend: REASON would block inside "NAME"`.
[[noreturn]] void refuse(const must_not_park& why, wait_reason reason);

// current() for who is about to wait: where nothing may park it calls give_up(), which lets go of the locks, and
// panics.
template <class GiveUp>
fiber* current_to_park(wait_reason reason, GiveUp give_up) {
  try {
    return current();
  } catch (const must_not_park& why) {
    give_up();
    refuse(why, reason);
  }
}

// While it lives, on a worker's own stack, what runs there is called `name` in panics.
class handler_scope {
 public:
  explicit handler_scope(const char* name) noexcept;
  handler_scope(const handler_scope&) = delete;
  handler_scope& operator=(const handler_scope&) = delete;
  ~handler_scope();

 private:
  const char* before_ = nullptr;
};

// Whether spinning for a moment can make sense: another worker is running, and nothing waits for the caller's.
// Source: Go's runtime_canSpin.
bool can_spin() noexcept;

// The number of workers that run fibers at the same time, also before they are started.
int procs() noexcept;

// A number below n (n > 0), for choices that must be fair: each worker and each plain thread has its own generator.
std::uint32_t random_below(std::uint32_t n) noexcept;

// One wait, as park() needs to know it. Lies on the waiter's stack. A deadline may make the waiter go on before the
// locks are released, and they are read until then: so what `locks` refers to lives where the ticket does, until the
// waiter has taken each of them again to withdraw (P6).
struct parking {
  wait::ticket& ticket;
  wait_reason reason;
  const void* object;
  std::source_location where;
  detail::deadline until = detail::no_deadline;  // of the machine's clock, or of the caller's bubble's
  std::span<const detail::held_lock> locks{};
  // Nobody outside the caller's bubble, if it is in one, can end it. Not said of a channel's plain send or receive.
  bool durable = false;
};

// P3: gives the worker to another fiber; when that runs, releases the locks and arms the deadline. Returns once the
// ticket has been claimed and its owner made ready; ticket.result says by whom. On a plain thread it blocks the thread.
void park(const parking& p) noexcept;

// Before a park() with a deadline, and before any lock is held, in the same run of the fiber: makes room for the timer.
// Throws std::bad_alloc.
void prepare_deadline();

// Before a wait for what only workers notice, such as the poller's events, and before any lock is held: on a plain
// thread starts the runtime, as go() does. need_workers() is a load where there is nothing to do.
bool need_workers() noexcept;
void start_workers();

// P5: makes a fiber (or thread) whose ticket was claimed go on. Touches nothing but its record.
void ready(fiber* f) noexcept;

// The same, but behind all that is ready, and nobody is woken to run it: for what a timer does when it is due.
void ready_last(fiber* f) noexcept;

// The same, and behind what is in the global queue, too: for what the poller reports to a worker that has enough to do.
// Else what waits there never had its turn, since every look would refill the worker's own queue.
void ready_in_line(fiber* f) noexcept;

// The same for several, in order: only the first may jump the queue.
void ready_all(fiber_list fibers) noexcept;

// The same for what the poller has reported to a worker that was idle.
void ready_batch(fiber_list fibers) noexcept;

// By who has done much without a wait: lets others run, if the caller is a fiber that may leave. The worker is seen to
// have switched, so the monitor sets nobody to work in its place.
void give_way() noexcept;

// The poller has just come into use: some worker asks it from now on. From anywhere.
void look_at_events() noexcept;

// A timer, under its own lock and in no heap, is to fire at `when`, and then every `period` (0: never again). True if
// look_at_timers() must be called once that lock is released. `now` is the time, or a little earlier. Throws
// std::bad_alloc. From anywhere: on a plain thread it starts the runtime, as go() does.
bool add_timer(wait::timer_node& t, detail::deadline now, detail::deadline when, std::chrono::nanoseconds period,
               std::uint32_t turn);
// The same for a timer of the caller's bubble, whose root sees to it.
void add_timer_in_bubble(wait::timer_node& t, detail::deadline now, detail::deadline when,
                         std::chrono::nanoseconds period, std::uint32_t turn);
// Some worker looks at the timers in time.
void look_at_timers() noexcept;
// A timer that was added is in no heap from here on. It may have been taken out to fire just before: under its lock its
// owner turns it on, so that fire() does not find the turn that it was added with.
void remove_timer(wait::timer_node& t) noexcept;
// The same timer is to fire though nobody holds it any more: says who is to see to that.
wait::remains leave_timer(wait::timer_node& t) noexcept;
// Whether this thread is one of the runtime's workers, which never end.
bool on_worker() noexcept;

// What is looked after now and then though nobody calls: some worker calls f(), on its own stack, so it must not block,
// when upkeep_period has passed since, and again as long as it returns true. There is one f in the process. It keeps no
// process alive and no deadlock from its report. From anywhere; a plain thread starts no runtime by it.
inline constexpr std::chrono::seconds upkeep_period{2};
using upkeep_function = bool (*)() noexcept;
void look_after(upkeep_function f) noexcept;

// A fiber that will call body(argument) once it is made ready. Fatal where there is no memory for it.
fiber* new_fiber(void (*body)(void*), void* argument, const void* spawn_site) noexcept;

}  // namespace gossamer::inline v0::sched
