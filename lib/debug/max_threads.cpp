// max_threads: see gossamer/debug.hpp.
#include "gossamer/debug.hpp"
#include "sched/scheduler.hpp"

namespace gossamer::inline v0::debug {

int set_max_threads(int n) { return sched::the_scheduler.set_max_threads(n); }

}  // namespace gossamer::inline v0::debug
