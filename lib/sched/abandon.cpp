// abandon: what becomes of the fibers that are alive when main returns, and how objects that outlive the run() find
// out.
#include "fiber/record_pool.hpp"
#include "gossamer/detail/run_number.hpp"
#include "sched/scheduler.hpp"
#include "sched/this_thread.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0 {

namespace sched {

// What abandoned fibers wait for may be used by a later run(), or is gone already, as what lay on main's stack: so only
// the tickets are changed, which lie on stacks that stay.
void scheduler::abandon_all() noexcept {
  const int live = num_fibers();
  const auto abandon = [](fiber& f) {
    // relaxed, both: all workers stand still
    if (f.id.load(std::memory_order_relaxed) != 0 && !f.has(detail::mark::abandoned)) {
      f.set(detail::mark::abandoned);
      if (f.state.load(std::memory_order_relaxed) == fiber_state::parked) {
        wait::retire(*f.ticket);
      }
    }
  };
  if (live != 0) {
    records.for_each(abandon);
  }
  // After that: what a plain thread hands to a fiber of a run() meanwhile is handed to one that was not retired yet,
  // and bears the number of that run().
  detail::current_run.fetch_add(1);
  for (int i = 0; i < threads(); ++i) {
    at(i).forget_all();
  }
  watcher.unpin_all();
  fiber* dropped = nullptr;
  while (global.pop(&dropped, 1) != 0 || starved.pop(&dropped, 1) != 0) {
  }
  abandoned_count.fetch_add(live, std::memory_order_relaxed);
}

}  // namespace sched

namespace detail {

constinit std::atomic<std::uint32_t> current_run{1};
std::uint32_t own_run_number() noexcept { return sched::this_fiber() != nullptr ? run_number() : 0; }

}  // namespace detail

}  // namespace gossamer::inline v0
