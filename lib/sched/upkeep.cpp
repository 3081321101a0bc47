// upkeep: see upkeep.hpp.
#include "sched/upkeep.hpp"

#include "base/cpus.hpp"
#include "gossamer/detail/own_place.hpp"
#include "sched/park.hpp"
#include "sched/scheduler.hpp"
#include "sched/this_thread.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0::sched {

constinit std::atomic<detail::deadline> upkeep_at{detail::no_deadline};

namespace {

constinit std::atomic<upkeep_function> upkeep{nullptr};

void arm() noexcept {
  detail::deadline none = detail::no_deadline;
  // release: pairs with the acquire in do_upkeep(); publishes `upkeep`.
  if (upkeep_at.load(std::memory_order_relaxed) == none) {
    upkeep_at.compare_exchange_strong(none, detail::after(detail::now(), upkeep_period), std::memory_order_release,
                                      std::memory_order_relaxed);
  }
}

}  // namespace

void look_after(upkeep_function f) noexcept {
  upkeep.store(f, std::memory_order_relaxed);  // relaxed: published by upkeep_at
  arm();
  if (this_worker() == nullptr) {
    the_scheduler.wake_from_outside();  // all may be asleep with nothing else to wait for
  }
}

int procs() noexcept {
  const int n = the_scheduler.procs();
  return n > 0 ? n : base::usable_cpus();
}

void do_upkeep(detail::deadline now) noexcept {
  detail::deadline at = upkeep_at.load(std::memory_order_acquire);
  // One worker does it. acquire: pairs with the release in arm().
  if (at <= now && upkeep_at.compare_exchange_strong(at, detail::no_deadline, std::memory_order_acquire) &&
      upkeep.load(std::memory_order_relaxed)()) {
    arm();
  }
}

}  // namespace gossamer::inline v0::sched

namespace gossamer::inline v0::detail {

int worker_index() noexcept {
  const sched::worker* const w = sched::this_worker();
  return w != nullptr ? w->index() : -1;
}

}  // namespace gossamer::inline v0::detail
