// cond: see gossamer/sync/cond.hpp.
// A waiter is in the queue before its lock is given up, but parks only afterwards; a signal may find it in between. So
// the two agree by a word of the waiter's own, which is also the lock that park() releases:
//
//   announced -> signalled            by the signal: the waiter need not park, and touches the cond no more
//   announced -> parking -> parked    by the waiter: a signal waits for `parked`, then claims the ticket and readies it
//   announced, parking   -> left      by the waiter: it will not park after all; a signal goes on to the next
#include "gossamer/sync/cond.hpp"

#include <cstdint>
#include <span>

#include "base/stress.hpp"
#include "sched/park.hpp"
#include "wait/stop.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::sync {

namespace {

constexpr std::uint64_t announced = 0;
constexpr std::uint64_t signalled = 1;
constexpr std::uint64_t parking = 2;
constexpr std::uint64_t parked = 3;
constexpr std::uint64_t left = 4;

}  // namespace

// Lies on the waiter's stack.
struct cond::place {
  place(detail::deadline until, wait::stop ended)
      : ticket(sched::current_to_park(wait_reason::cond_wait, [] {})), stop(ended, ticket), self(ticket, &word) {  // P1
    ticket.uncontested = until == detail::no_deadline && !stop.holds();
  }

  // Whether it came before the signal. If not, the signaller may still hold the cond's guard: returns once it does not,
  // since the caller may destroy the cond. acquire: pairs with the release in told().
  bool moves_on_to(std::uint64_t next, detail::spin_lock& guard) noexcept {
    std::uint64_t w = announced;
    if (word.compare_exchange_strong(w, next, std::memory_order_acq_rel, std::memory_order_acquire)) {
      return true;
    }
    guard.lock();
    guard.unlock();
    return false;
  }

  wait::ticket ticket;
  wait::stop_waiter stop;
  detail::waiter self;
  detail::lock_word word{announced};
};

bool cond::wait_unlocked(const lock_face& lock, detail::deadline until, wait::stop ended, std::source_location where) {
  if (ended.is_set()) {
    return false;
  }
  if (until != detail::no_deadline) {
    sched::prepare_deadline();
  }
  place mine(until, ended);
  guard_.lock();
  wait::push_back(waiters_, mine.self);  // P2
  guard_.unlock();
  bool unlocked = false;
  try {
    lock.unlock_it(lock.lock);
    unlocked = true;
    if (until != detail::no_deadline) {
      sched::prepare_deadline();  // once more: unlocking may have parked
    }
  } catch (...) {
    if (mine.moves_on_to(left, guard_)) {
      withdraw(mine);
    }
    if (unlocked) {
      lock.lock_it(lock.lock, where);
    }
    throw;
  }
  const bool told = park(mine, until, where);
  lock.lock_it(lock.lock, where);
  return told;
}

bool cond::park(place& mine, detail::deadline until, const std::source_location& where) noexcept {
  sched::current();  // anew: unlocking may have parked
  if (!mine.moves_on_to(parking, guard_)) {
    return true;
  }
  if (!mine.stop.push()) {
    // release: the signal that waits for it goes on without it.
    mine.word.store(left, std::memory_order_release);
    withdraw(mine);
    return false;
  }
  const bool stoppable = mine.stop.holds();
  const detail::held_lock held[] = {{&mine.word, parked}, stoppable ? mine.stop.held() : detail::held_lock{nullptr, 0}};
  sched::park({.ticket = mine.ticket,  // P3
               .reason = wait_reason::cond_wait,
               .object = this,
               .where = where,
               .until = until,
               .locks = std::span(held, stoppable ? 2 : 1)});
  mine.stop.withdraw();
  if (mine.ticket.winner == &mine.self) {
    return true;
  }
  // Time may wake it before the step that releases the word is through.
  for (detail::spin_wait spin; mine.word.load(std::memory_order_acquire) != parked;) {
    spin.once();
  }
  withdraw(mine);
  return false;
}

// P6
void cond::withdraw(place& mine) noexcept {
  guard_.lock();
  wait::remove(waiters_, mine.self);
  guard_.unlock();  // P7
}

namespace {

// Under the cond's guard, for a waiter that has left the queue: whether the signal is its own now. If so it may be
// gone, unless it is in `woken`.
bool told(detail::waiter& w, fiber_list& woken) noexcept {
  detail::lock_word& word = *static_cast<detail::lock_word*>(w.value);
  std::uint64_t s = announced;
  // release: pairs with the acquire in moves_on_to().
  if (word.compare_exchange_strong(s, signalled, std::memory_order_acq_rel, std::memory_order_acquire)) {
    return true;
  }
  for (detail::spin_wait spin; s == parking; s = word.load(std::memory_order_acquire)) {
    spin.once();
  }
  if (s == left) {
    return false;
  }
  detail::sanitizer_acquire(&word);
  if (!wait::claim(*w.its, wait::outcome::woken)) {  // P4
    return false;
  }
  w.its->winner = &w;
  woken.add(w.its->owner);
  return true;
}

}  // namespace

void cond::wake(std::uint64_t most) noexcept {
  fiber_list woken;
  guard_.lock();
  while (most > 0 && !waiters_.empty()) {
    detail::waiter* const w = waiters_.head;
    wait::remove(waiters_, *w);
    most -= told(*w, woken) ? 1 : 0;
  }
  base::stress_point();
  guard_.unlock();          // P7
  sched::ready_all(woken);  // P5
}

}  // namespace gossamer::inline v0::sync
