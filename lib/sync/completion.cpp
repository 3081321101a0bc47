// completion: see gossamer/detail/completion.hpp.
#include "gossamer/detail/completion.hpp"

#include "fiber/fiber.hpp"
#include "sched/park.hpp"
#include "sched/wait_on.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::detail {

void completion::finish() noexcept {
  guard_.lock();
  finished_.store_release(true);
  const waiter* const w = wait::claim_first(waiters_);  // P4
  fiber* const f = w != nullptr ? w->its->owner : nullptr;
  guard_.unlock();  // P7
  if (f != nullptr) {
    sched::ready(f);  // P5
  }
}

bool completion::wait(wait::limit limit, const std::source_location& where) {
  sched::prepare(limit);
  guard_.lock();
  if (finished_) {
    guard_.unlock();
    return true;
  }
  bool meanwhile = false;
  const sched::wait_result how = sched::wait_on(
      waiters_, {*guard_.held().word, 0, 0},
      {.reason = wait_reason::io_wait, .object = this, .where = where, .limit = limit}, [&](waiter& self) noexcept {
        guard_.lock();
        wait::remove(waiters_, self);
        meanwhile = finished_;
        guard_.unlock();  // P7
      });
  return sched::through_object(how) || meanwhile;
}

void check_may_wait() {
  sched::current_to_park(wait_reason::io_wait, [] {});
}

}  // namespace gossamer::inline v0::detail
