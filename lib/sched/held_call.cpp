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
  const duty seen = w.status().inspect();
  if (seen == duty::blocking || seen == duty::replaced) {  // one that is replaced waits for the guard at its end
    was_ = seen;
  }
}

held_call::~held_call() {
  if (was_ == duty::blocking) {
    of_.status().end_inspection();
  }
}

}  // namespace gossamer::inline v0::sched
