// once: see gossamer/sync/once.hpp.
#include "gossamer/sync/once.hpp"

#include <cassert>

#include "gossamer/detail/run_number.hpp"
#include "sched/park.hpp"
#include "sched/wait_on.hpp"
#include "wait/guard_bit.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::sync {

namespace {

constexpr std::uint32_t caller_of(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word >> 32); }

}  // namespace

once::turn once::begin(wait::limit limit, std::source_location where) {
  sched::prepare(limit);
  std::uint64_t w = 0;
  do {
    w = wait::load_unguarded(word_, guarded);
    if (w == over) {
      return made;
    }
    const bool is_free = w == 0 || ((w & running) != 0 && detail::is_abandoned(caller_of(w)));
    const std::uint64_t mine = running | (w & waiting) | std::uint64_t{detail::own_run_number()} << run_shift;
    // relaxed: whoever comes first has nothing to see, and run() orders what fibers of earlier runs did.
    if (is_free && word_.compare_exchange_strong(w, mine, std::memory_order_relaxed)) {
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
  // relaxed, the look and a failure: only the exchange decides.
  std::uint64_t w = word_.load(std::memory_order_relaxed);
  // release: pairs with the acquire in do_(). P7: the last access.
  if ((w & (guarded | waiting)) == 0 &&
      word_.compare_exchange_strong(w, over, std::memory_order_release, std::memory_order_relaxed)) {
    return;
  }
  wait::set_guard(word_, guarded);
  fiber_list woken;
  claim_all(waiters_, woken);  // P4
  assert(waiters_.empty());
  detail::held_lock{&word_, over}.release();  // P7
  sched::ready_all(woken);                    // P5
}

}  // namespace gossamer::inline v0::sync
