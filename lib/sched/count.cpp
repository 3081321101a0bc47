// count: how many fibers there are, and what they are at.
#include <algorithm>

#include "fiber/record_pool.hpp"
#include "sched/scheduler.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0::sched {

int scheduler::num_fibers() const noexcept {
  // Ended ones first: a fiber that ends meanwhile is counted rather than one that is spawned missed.
  std::int64_t n = -abandoned_count.load(std::memory_order_relaxed);
  for (int i = 0; i < threads(); ++i) {
    n -= static_cast<std::int64_t>(at(i).ended());
  }
  for (int i = 0; i < threads(); ++i) {
    n += static_cast<std::int64_t>(at(i).spawned());
  }
  n += static_cast<std::int64_t>(spawned_outside.load(std::memory_order_relaxed));
  return static_cast<int>(std::max<std::int64_t>(n, 0));
}

int scheduler::num_in_calls() const noexcept {
  int n = 0;
  for (int i = 0; i < threads(); ++i) {
    n += at(i).in_call() && at(i).seen_running() != nullptr ? 1 : 0;
  }
  return n;
}

int scheduler::num_at(gossamer::runtime::status which) const noexcept {
  using gossamer::runtime::status;
  int n = 0;
  records.for_each([&](const fiber& f) {
    if (f.id.load(std::memory_order_relaxed) == 0 || f.has(detail::mark::abandoned)) {
      return;
    }
    switch (f.state.load(std::memory_order_relaxed)) {
      case fiber_state::unstarted:
      case fiber_state::runnable:
        n += which == status::runnable ? 1 : 0;
        break;
      case fiber_state::running:
        n += which == status::running ? 1 : 0;
        break;
      case fiber_state::parked:
        n += which == status::waiting ? 1 : 0;
        break;
      case fiber_state::free:
      case fiber_state::thread:
        break;
    }
  });
  return which == status::running ? std::max(n - num_in_calls(), 0) : n;
}

}  // namespace gossamer::inline v0::sched
