// blocking: announced blocking calls. See gossamer/runtime.hpp and monitor.hpp.
#include "base/forked.hpp"
#include "fiber/inspect.hpp"
#include "gossamer/runtime.hpp"
#include "machine/walk.hpp"
#include "sched/park.hpp"
#include "sched/scheduler.hpp"
#include "sched/this_thread.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0 {

namespace sched {

bool worker::begin_call(const machine::kept_frame* caller) noexcept {
  const duty before = status_.begin_call(caller);
  if (before == duty::blocking || before == duty::inspected) {
    return false;  // one within another
  }
  ++counts_.calls;
  if (before == duty::stuck || before == duty::replaced) {
    the_scheduler.watcher.calls_though_replaced(*this);
  }
  the_scheduler.watcher.somebody_blocks();
  return true;
}

void worker::end_call() noexcept {
  status_.count_call();
  duty seen = status_.end_call();
  while (seen == duty::inspected) [[unlikely]] {
    the_scheduler.watcher.wait_for_inspection();
    seen = status_.end_call();
  }
  // A call in which the fiber parked may end on a worker that is in none.
  if (seen == duty::replaced) [[unlikely]] {
    end_noticed_call();
  }
}

bool worker::look_into_call(const fiber& f, machine::stack_trace& trace) const noexcept {
  const auto* const at = static_cast<const std::byte*>(status_.call_frame().stack_pointer);
  if (f.stack == nullptr || at < machine::stack_bottom(f.stack, f.size_class) ||
      at >= machine::stack_top(f.stack, f.size_class)) {
    return false;  // not this fiber's: it is in none, and another has parked in its own
  }
  machine::trace_kept(status_.call_frame(), trace);
  return true;
}

// Somebody stands in for this worker; and meanwhile all may have stopped, and the fiber's run() returned.
void worker::end_noticed_call() noexcept {
  base::not_in_forked_child();
  while (!the_scheduler.watcher.back_to_work(*this)) {
    the_scheduler.wait_until_running();
  }
  probe_.forget();  // others have taken what was in its queue
  if (current_->has(detail::mark::abandoned)) {
    wait::ticket never(current_);
    park({.ticket = never, .reason = wait_reason::none, .object = nullptr, .where = {}});
  }
  if (index_ >= the_scheduler.width() && !pin_.is_locked()) {
    departure d{this, current_, departing::yield};
    leave(d);  // this worker retires, and what it has goes to the others
  }
}

}  // namespace sched

extern "C" [[gnu::visibility("hidden"), gnu::used]] bool gossamer_begin_call(
    const machine::kept_frame* caller) noexcept {
  sched::worker* const w = sched::this_worker();
  return w != nullptr && w->current() != nullptr && w->begin_call(caller);
}

namespace detail {

// Where the processor is known it is machine/walk.S's, and calls the above.
#if !GOSSAMER_KEEPS_FRAMES
bool blocking_begin() noexcept { return gossamer_begin_call(nullptr); }
#endif

void blocking_end() noexcept { sched::this_worker()->end_call(); }

}  // namespace detail

}  // namespace gossamer::inline v0
