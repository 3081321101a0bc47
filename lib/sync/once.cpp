// once: see gossamer/sync/once.hpp.
#include "gossamer/sync/once.hpp"

#include "sched/park.hpp"
#include "sync/blocking.hpp"
#include "wait/guard_bit.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::sync {

bool once::begin(std::source_location where) {
  std::uint64_t w = 0;
  do {
    w = wait::load_unguarded(word_, guarded);
    if (w == over) {
      return false;
    }
    // relaxed: whoever comes first has nothing to see.
    if (w == 0 && word_.compare_exchange_strong(w, running, std::memory_order_relaxed)) {
      return true;
    }
    // acquire: the queue as the last guard holder left it.
  } while ((w & (guarded | running)) != running ||
           !word_.compare_exchange_weak(w, w | guarded, std::memory_order_acquire, std::memory_order_relaxed));
  blocking blocked(detail::no_deadline, {}, word_, w, wait_reason::once_do);  // P1
  wait::push_back(waiters_, blocked.self());                                  // P2
  blocked.park(word_, w | waiting, wait_reason::once_do, this, where);        // P3
  return false;
}

void once::finish() noexcept {
  std::uint64_t w = running;
  // release: pairs with the acquire in do_(). P7: the last access.
  if (word_.compare_exchange_strong(w, over, std::memory_order_release, std::memory_order_relaxed)) {
    return;
  }
  wait::set_guard(word_, guarded);
  fiber_list woken;
  while (detail::waiter* next = wait::claim_first(waiters_)) {  // P4
    woken.add(next->its->owner);
  }
  detail::held_lock{&word_, over}.release();  // P7
  sched::ready_all(woken);                    // P5
}

}  // namespace gossamer::inline v0::sync
