// once: see gossamer/sync/once.hpp.
#include "gossamer/sync/once.hpp"

#include "sched/park.hpp"
#include "sched/wait_on.hpp"
#include "wait/guard_bit.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::sync {

once::turn once::begin(wait::limit limit, std::source_location where) {
  sched::prepare(limit);
  std::uint64_t w = 0;
  do {
    w = wait::load_unguarded(word_, guarded);
    if (w == over) {
      return made;
    }
    // relaxed: whoever comes first has nothing to see.
    if (w == 0 && word_.compare_exchange_strong(w, running, std::memory_order_relaxed)) {
      return to_call;
    }
    // acquire: the queue as the last guard holder left it.
  } while ((w & (guarded | running)) != running ||
           !word_.compare_exchange_weak(w, w | guarded, std::memory_order_acquire, std::memory_order_relaxed));
  const sched::wait_result how =
      sched::wait_on(waiters_, {word_, w | waiting, w},
                     {.reason = wait_reason::once_do, .object = this, .where = where, .limit = limit},
                     [this](detail::waiter& self) noexcept { withdraw(self); });
  return sched::through_object(how) ? made : stopped;
}

// P6, of one that was not woken: the call goes on, or has ended since and found it claimed by its stop.
void once::withdraw(detail::waiter& self) noexcept {
  const std::uint64_t w = wait::set_guard(word_, guarded);
  wait::remove(waiters_, self);
  detail::held_lock{&word_, waiters_.empty() ? w & ~waiting : w}.release();  // P7
}

void once::finish() noexcept {
  std::uint64_t w = running;
  // release: pairs with the acquire in do_(). P7: the last access.
  if (word_.compare_exchange_strong(w, over, std::memory_order_release, std::memory_order_relaxed)) {
    return;
  }
  wait::set_guard(word_, guarded);
  fiber_list woken;
  claim_all(waiters_, woken);                 // P4
  detail::held_lock{&word_, over}.release();  // P7
  sched::ready_all(woken);                    // P5
}

}  // namespace gossamer::inline v0::sync
