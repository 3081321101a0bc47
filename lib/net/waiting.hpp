// waiting: what sockets and pipes need beside sched/wait_on.hpp: what is to be done before a wait, and a wake-up that
// hands something over.
#pragma once

#include "fiber/fiber_list.hpp"
#include "gossamer/detail/deadline.hpp"
#include "gossamer/detail/spin_lock.hpp"
#include "gossamer/detail/wait_list.hpp"

namespace gossamer::inline v0::net {

// What must be seen to before a wait, and not while a lock is held: the room for a deadline's timer, which may come up
// meanwhile; and, on a plain thread, that the runtime runs.
//
//   for (preparation p;;) {
//     look, under the guard, and leave the loop;
//     if (p.may_wait(until, guard)) { sched::wait_on(…); guard.lock(); }
//   }
class preparation {
 public:
  // The guard is held, before and after. False if it was not meanwhile: then the caller has to look anew.
  bool may_wait(detail::deadline until, detail::spin_lock& guard);

 private:
  bool prepared_ = false;
  bool started_ = false;
};

// P4 for the first of a list whose guard is held, as claim_all(); something is handed over with it, to who is returned.
// Null if nobody waits.
fiber* grant_first(detail::wait_list& list, fiber_list& woken) noexcept;

}  // namespace gossamer::inline v0::net
