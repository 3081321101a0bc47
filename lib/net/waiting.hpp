// waiting: one wait on an object whose guard is a spin lock, until it is woken through that object, its time comes, or
// a stop is set; and what becomes of it where it ends otherwise. See wait/waiter.hpp for the steps.
#pragma once

#include <cstdint>
#include <source_location>

#include "fiber/fiber_list.hpp"
#include "fiber/reason.hpp"
#include "gossamer/detail/deadline.hpp"
#include "gossamer/detail/spin_lock.hpp"
#include "gossamer/detail/stop.hpp"
#include "gossamer/detail/wait_list.hpp"

namespace gossamer::inline v0::net {

enum class woke : std::uint8_t {
  by_object,
  granted,  // the same, and something was handed over
  by_time,
  by_stop,
};

struct waiting {
  wait_reason reason;
  const void* object;
  std::source_location where;
  detail::deadline until = detail::no_deadline;  // only after sched::prepare_deadline()
  wait::stop end{};
};

// What must be seen to before a wait, and not while a lock is held: the room for a deadline's timer, which may come up
// meanwhile; and, on a plain thread, that the runtime runs.
//
//   for (preparation p;;) {
//     look, under the guard, and leave the loop;
//     if (p.may_wait(until, guard)) { wait_in(…); guard.lock(); }
//   }
class preparation {
 public:
  // The guard is held, before and after. False if it was not meanwhile: then the caller has to look anew.
  bool may_wait(detail::deadline until, detail::spin_lock& guard);

 private:
  bool prepared_ = false;
  bool started_ = false;
};

// P1 to P6, in `list`. Its guard is held, and is not when it returns, nor when it panics because nothing may park here.
woke wait_in(detail::wait_list& list, detail::spin_lock& guard, const waiting& how);

// P4 for the first of a list whose guard is held, as claim_all(); something is handed over with it. False if nobody
// waits.
bool grant_first(detail::wait_list& list, fiber_list& woken) noexcept;

}  // namespace gossamer::inline v0::net
