// mutex: see gossamer/sync/mutex.hpp.
// Source: Go sync.Mutex (barging, one woken waiter at a time, hand-off after 1 ms); the guard bit in the word is
// nsync's (Burrows).
#include "gossamer/sync/mutex.hpp"

#include <cassert>

#include "base/fatal.hpp"
#include "gossamer/detail/run_number.hpp"
#include "sched/park.hpp"
#include "sched/wait_on.hpp"
#include "sync/spin.hpp"
#include "wait/guard_bit.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::sync {

namespace {

constexpr detail::deadline patience = 1'000'000;  // ns; MU2

}  // namespace

// The word, without the bits, and without what abandoned fibers have left in it.
std::uint64_t mutex::without(std::uint64_t w, std::uint64_t bits) noexcept {
  constexpr std::uint64_t run_bits = ~std::uint64_t{0} << run_shift;
  if ((w & (woken | handed)) != 0 && w >> run_shift != detail::run_number()) [[unlikely]] {
    w &= ~(woken | ((w & handed) != 0 ? handed | locked : 0));
  }
  w &= ~bits;
  return (w & (woken | handed)) != 0 ? w : w & ~run_bits;
}

std::uint64_t mutex::with(std::uint64_t w, std::uint64_t bit) noexcept {
  return without(w, 0) | bit | std::uint64_t{detail::run_number()} << run_shift;
}

// Whether it is held for a fiber that will never know.
bool mutex::is_forgotten(std::uint64_t w) noexcept { return (w & handed) != 0 && (without(w, 0) & handed) == 0; }

bool mutex::try_lock() noexcept {
  std::uint64_t w = wait::load_unguarded(word_, guarded);
  while ((w & (locked | starving)) == 0 || is_forgotten(w)) {
    if (is_forgotten(w)) [[unlikely]] {
      // relaxed: the lock itself is taken, or not, after this.
      word_.compare_exchange_weak(w, without(w, 0) & ~starving, std::memory_order_relaxed);
      w = wait::load_unguarded(word_, guarded);
      continue;
    }
    // acquire: pairs with the release of the last holder.
    if (word_.compare_exchange_weak(w, w | locked, std::memory_order_acquire, std::memory_order_relaxed)) {
      note_holder();
      return true;
    }
    w = wait::load_unguarded(word_, guarded);
  }
  return false;
}

bool mutex::lock_contended(wait::limit limit, std::source_location where) {
  detail::deadline since = 0;   // when it first parked
  std::uint64_t was_woken = 0;  // `woken`, if the bit is this waiter's to clear
  std::uint64_t now_starving = 0;
  int spins = brief_spins;
  for (;;) {
    std::uint64_t w = wait::load_unguarded(word_, guarded);
    if (is_forgotten(w)) [[unlikely]] {
      // relaxed: nothing is taken by it.
      word_.compare_exchange_weak(w, without(w, 0) & ~starving, std::memory_order_relaxed);
      continue;
    }
    if (free_to_take(w)) {
      // acquire: pairs with the release of the last holder.
      if (word_.compare_exchange_weak(w, without(w, was_woken) | locked, std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
        note_holder();
        return true;
      }
      continue;
    }
    if (spins > 0 && (w & starving) == 0 && sched::can_spin()) {
      --spins;
      spin_briefly();
      continue;
    }
    sched::prepare(limit);
    // acquire: the queue as the last guard holder left it.
    if (!word_.compare_exchange_weak(w, w | guarded, std::memory_order_acquire, std::memory_order_relaxed)) {
      continue;
    }
    const std::uint64_t rest = without(w, was_woken);
    const bool again = since != 0;
    since = again ? since : detail::now();
    // Where it does not wait after all the mutex is held: its unlock will see that nobody is on the way any more.
    const sched::wait_result how = sched::wait_on(waiters_, {word_, rest | waiting | now_starving, rest},
                                                  {.reason = wait_reason::mutex_lock,
                                                   .object = this,
                                                   .where = where,
                                                   .limit = limit,
                                                   .since = since,
                                                   .first = again},  // it has waited longest
                                                  [this](detail::waiter& self) noexcept { withdraw(self); });
    if (how == sched::wait_result::granted) {
      take_handed();
      return true;
    }
    if (!sched::through_object(how)) {
      return false;
    }
    was_woken = woken;
    spins = brief_spins;
    now_starving = detail::now() - since > patience ? starving : 0;
  }
}

// It was handed over, still locked.
void mutex::take_handed() noexcept {
  std::uint64_t w = wait::load_unguarded(word_, guarded);
  while ((w & handed) != 0 &&
         // relaxed: the wake-up has ordered all.
         !word_.compare_exchange_weak(w, without(w, handed), std::memory_order_relaxed)) {
    w = wait::load_unguarded(word_, guarded);
  }
  note_holder();
}

// P6: a waiter whose time has come, or whose stop is set, leaves the queue.
void mutex::withdraw(detail::waiter& self) noexcept {
  const std::uint64_t w = wait::set_guard(word_, guarded);
  wait::remove(waiters_, self);
  const std::uint64_t queue = waiters_.empty() ? 0 : waiting;
  // Nobody is owed a hand-over when nobody waits.
  const std::uint64_t hungry = waiters_.empty() ? 0 : w & starving;
  assert((w & locked) != 0 || hungry == 0);
  detail::held_lock{&word_, without(w, guarded | waiting | starving) | queue | hungry}.release();  // P7
}

void mutex::unlock_contended() noexcept {
  std::uint64_t w = 0;
  for (;;) {
    w = wait::load_unguarded(word_, guarded);
    if ((w & locked) == 0) {
      base::fatal("sync: unlock of unlocked mutex");
    }
    const std::uint64_t rest = without(w, 0);
    const bool simple = nobody_waits(rest) || (rest & (woken | starving)) == woken;
    // release: pairs with the acquire of the next holder. acquire: the queue, if it is to be touched.
    if (word_.compare_exchange_weak(w, simple ? rest & ~locked : w | guarded, std::memory_order_acq_rel,
                                    std::memory_order_relaxed)) {
      if (simple) {
        return;
      }
      break;
    }
  }
  detail::waiter* next = wait::claim_first(waiters_);  // P4
  std::uint64_t after = without(w, 0) & (waiters_.empty() ? ~waiting : ~std::uint64_t{0});
  detail::fiber* owner = nullptr;
  if (next == nullptr) {
    after &= ~(locked | starving);
  } else {
    owner = next->its->owner;
    if ((w & starving) != 0) {
      next->granted = true;  // stays locked: it is the next one's
      if (!owner->is_thread()) {
        after = with(after, handed);
      }
      if (waiters_.empty() || detail::now() - next->since < patience) {
        after &= ~starving;  // MU2
      }
    } else {
      after = with(after & ~locked, woken);
    }
  }
  assert(((after & waiting) != 0) == !waiters_.empty());
  assert((after & starving) == 0 || (after & (waiting | locked)) == (waiting | locked));  // somebody is owed it
  assert((after & handed) == 0 || (after & locked) != 0);
  detail::held_lock{&word_, after}.release();  // P7
  if (owner != nullptr) {
    sched::ready(owner);  // P5
  }
}

}  // namespace gossamer::inline v0::sync
