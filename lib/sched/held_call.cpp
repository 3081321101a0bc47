// held_call: see held_call.hpp.
#include "sched/held_call.hpp"

#include <sched.h>

#include "sched/worker.hpp"

namespace gossamer::inline v0::sched {

held_call::held_call(monitor& m, worker& w) noexcept : hold_(m.guard_, std::defer_lock), of_(w) {
  // Not for ever: a fatal report may come from under the guard.
  for (int i = 0; i < 1000 && !hold_.try_lock(); ++i) {
    ::sched_yield();
  }
  if (!hold_) {
    return;
  }
  duty seen = duty::blocking;
  // seq_cst: the frame that the call's begin has kept is seen. One that is replaced waits for the guard at its end.
  if (w.duty_now.compare_exchange_strong(seen, duty::inspected)) {
    was_ = duty::blocking;
  } else if (seen == duty::replaced) {
    was_ = duty::replaced;
  }
}

held_call::~held_call() {
  if (was_ == duty::blocking) {
    of_.duty_now.store(duty::blocking);
  }
}

}  // namespace gossamer::inline v0::sched
