// blocking: announced blocking calls. See gossamer/runtime.hpp and monitor.hpp.
#include "base/forked.hpp"
#include "fiber/inspect.hpp"
#include "gossamer/runtime.hpp"
#include "sched/park.hpp"
#include "sched/runtime.hpp"
#include "sched/this_thread.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0 {

namespace sched {

bool worker::begin_call() noexcept {
  bump(calls_);
  // seq_cst: what the fiber did before is not moved into the call.
  const duty before = duty_now.exchange(duty::blocking);
  if (before == duty::stuck || before == duty::replaced) {
    the_runtime.watcher.calls_though_replaced(*this);
  }
  the_runtime.watcher.somebody_blocks();
  return before != duty::blocking;
}

void worker::end_call() noexcept {
  bump(calls_);
  duty expected = duty::blocking;
  // A call in which the fiber parked may end on a worker that is in none.
  if (!duty_now.compare_exchange_strong(expected, duty::working) && expected == duty::replaced) [[unlikely]] {
    end_noticed_call();
  }
}

// Somebody stands in for this worker; and meanwhile all may have stopped, and the fiber's run() returned.
void worker::end_noticed_call() noexcept {
  base::not_in_forked_child();
  while (!the_runtime.watcher.back_to_work(*this)) {
    the_runtime.wait_until_running();
  }
  if (current_->has(detail::mark::abandoned)) {
    wait::ticket never(current_);
    const parking p{.ticket = never, .reason = wait_reason::none, .object = nullptr, .where = {}};
    departure d{this, current_, departing::park, &p};
    leave(d);
  }
  if (index_ >= the_runtime.width() && locked_ == nullptr) {
    departure d{this, current_, departing::yield};
    leave(d);  // this worker retires, and what it has goes to the others
  }
}

}  // namespace sched

namespace detail {

bool blocking_begin() noexcept {
  sched::worker* const w = sched::this_worker();
  return w != nullptr && w->current() != nullptr && w->begin_call();
}

void blocking_end() noexcept { sched::this_worker()->end_call(); }

}  // namespace detail

}  // namespace gossamer::inline v0
