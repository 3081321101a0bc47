// cond: see gossamer/sync/cond.hpp.
// A waiter is in the queue before its lock is given up, but parks only afterwards; a signal may find it in between. So
// the two agree by a word of the waiter's own, which is also the lock that park() releases:
//
//   announced -> signalled -> told    by the signal: the waiter need not park. The signal says `told` when it has done
//                                     with the cond; the waiter, which may destroy it, returns only then
//   announced -> parking -> parked    by the waiter: a signal waits for `parked`, then claims the ticket and readies it
//   announced, parking   -> left      by the waiter: it will not park after all; a signal goes on to the next
//   parked -> left                    by the waiter whose time has come
//   parked -> dropped                 by a signal that comes when the ticket has been claimed, by time or a stop: the
//                                     waiter is out of the queue, and touches the cond no more
//
// The signaller may destroy the cond, too, so a waiter touches it after its lock is given up only where no signal has
// met it: if it has `left`. It takes itself out of the queue then, a signal leaves it there, and the destructor waits.
#include "gossamer/sync/cond.hpp"

#include <cstdint>
#include <span>

#include "base/stress.hpp"
#include "sched/park.hpp"
#include "sched/wait_on.hpp"
#include "wait/stop.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::sync {

namespace {

constexpr std::uint64_t announced = 0;
constexpr std::uint64_t signalled = 1;
constexpr std::uint64_t parking = 2;
constexpr std::uint64_t parked = 3;
constexpr std::uint64_t left = 4;
constexpr std::uint64_t told = 5;
constexpr std::uint64_t dropped = 6;

detail::lock_word& word_of(const detail::waiter& w) noexcept { return *static_cast<detail::lock_word*>(w.value); }

}  // namespace

// Lies on the waiter's stack. For sched::wait_at(): its lock is its own word.
class cond::place {
 public:
  static constexpr int wakers = 1;

  explicit place(cond& of)
      : ticket(sched::current_to_park(wait_reason::cond_wait, [] {})), of_(of), self_(ticket, &word_) {  // P1
    of_.guard_.lock();
    wait::push_back(of_.waiters_, self_);
    of_.guard_.unlock();
  }

  // P2: it has been in the queue since before the caller's lock was given up.
  bool enter() noexcept { return moves_on_to(parking); }
  // release: the signal that waits for it goes on without it.
  void turn_back() noexcept {
    word_.store(left, std::memory_order_release);
    leave_queue();
  }
  std::span<const detail::held_lock> locks(detail::held_lock stops) noexcept {
    held_[0] = {&word_, parked};
    held_[1] = stops;
    return {held_, stops.word != nullptr ? 2U : 1U};
  }
  void withdraw() noexcept {
    if (ticket.winner != &self_ && leaves()) {
      leave_queue();
    }
  }
  // It does not park after all, whatever may have come.
  void give_up() noexcept {
    if (moves_on_to(left)) {
      leave_queue();
    }
  }

  wait::ticket ticket;

 private:
  // Whether it came before the signal. If not, the signaller may still hold the cond's guard: returns once it does not,
  // since the caller may destroy the cond. acquire: pairs with the releases in meet() and wake().
  bool moves_on_to(std::uint64_t next) noexcept {
    std::uint64_t w = announced;
    if (word_.compare_exchange_strong(w, next, std::memory_order_acq_rel, std::memory_order_acquire)) {
      return true;
    }
    for (detail::spin_wait spin; w != told; w = word_.load(std::memory_order_acquire)) {
      spin.once();
    }
    return false;
  }

  // Of one that was woken otherwise: whether it is still in the queue. Time may wake it before the step that releases
  // the word is through. acquire: pairs with that, and with the release in meet().
  bool leaves() noexcept {
    std::uint64_t w = parked;
    for (detail::spin_wait spin;
         !word_.compare_exchange_strong(w, left, std::memory_order_acq_rel, std::memory_order_acquire); w = parked) {
      if (w == dropped) {
        return false;
      }
      spin.once();
    }
    return true;
  }

  // P6
  void leave_queue() noexcept {
    of_.guard_.lock();
    wait::remove(of_.waiters_, self_);
    of_.guard_.unlock();  // P7
  }

  cond& of_;
  detail::lock_word word_{announced};
  detail::waiter self_;
  detail::held_lock held_[2];
};

bool cond::wait_unlocked(const lock_face& lock, wait::limit limit, std::source_location where) {
  if (limit.stop().is_set()) {
    return false;
  }
  sched::prepare(limit);
  place mine(*this);
  bool unlocked = false;
  try {
    lock.unlock_it(lock.lock);
    unlocked = true;
    sched::prepare(limit);  // once more: unlocking may have parked
  } catch (...) {
    mine.give_up();
    if (unlocked) {
      lock.lock_it(lock.lock, where);
    }
    throw;
  }
  const bool came = park(mine, limit, where);
  lock.lock_it(lock.lock, where);
  return came;
}

bool cond::park(place& mine, wait::limit limit, const std::source_location& where) noexcept {
  sched::current();  // anew: unlocking may have parked
  return sched::through_object(sched::wait_at(
      mine, {.reason = wait_reason::cond_wait, .object = this, .where = where, .limit = limit, .durable = true}));
}

// Those that have left take themselves out of the queue, if the signaller that now destroys the cond has not met them.
cond::~cond() {
  for (detail::spin_wait spin;; spin.once()) {
    bool any = false;
    guard_.lock();
    for (const detail::waiter* w = waiters_.head; w != nullptr && !any; w = w->next) {
      any = word_of(*w).load(std::memory_order_relaxed) == left;  // relaxed: the guard is taken once more
    }
    guard_.unlock();
    if (!any) {
      return;
    }
  }
}

namespace {

enum class meeting : std::uint8_t { need_not_park, wakes_up, is_late, has_left };

// Under the cond's guard, for a waiter that has been taken out of the queue: what it does about a signal. If it has
// been dropped it may be gone.
meeting meet(detail::waiter& w) noexcept {
  detail::lock_word& word = word_of(w);
  std::uint64_t s = announced;
  // release: pairs with the acquire in moves_on_to().
  if (word.compare_exchange_strong(s, signalled, std::memory_order_acq_rel, std::memory_order_acquire)) {
    return meeting::need_not_park;
  }
  for (detail::spin_wait spin; s == parking; s = word.load(std::memory_order_acquire)) {
    spin.once();
  }
  if (s == left) {
    return meeting::has_left;
  }
  detail::sanitizer_acquire(&word);
  if (wait::claim(*w.its, wait::outcome::woken)) {  // P4
    w.its->winner = &w;
    return meeting::wakes_up;
  }
  // release: pairs with the acquire in leaves().
  return word.compare_exchange_strong(s, dropped, std::memory_order_acq_rel, std::memory_order_relaxed)
             ? meeting::is_late
             : meeting::has_left;
}

}  // namespace

void cond::wake(std::uint64_t most) noexcept {
  fiber_list woken;
  detail::wait_list to_tell;  // they have not parked, and wait for the guard to be released
  detail::wait_list leaving;
  guard_.lock();
  while (most > 0 && !waiters_.empty()) {
    detail::waiter* const w = waiters_.head;
    wait::remove(waiters_, *w);
    switch (meet(*w)) {
      case meeting::need_not_park:
        wait::push_back(to_tell, *w);
        --most;
        break;
      case meeting::wakes_up:
        woken.add(w->its->owner);
        --most;
        break;
      case meeting::has_left:
        wait::push_back(leaving, *w);
        break;
      case meeting::is_late:
        break;
    }
  }
  while (!leaving.empty()) {
    detail::waiter* const w = leaving.head;
    wait::remove(leaving, *w);
    wait::push_front(waiters_, *w);
  }
  base::stress_point();
  guard_.unlock();  // P7
  while (!to_tell.empty()) {
    detail::waiter* const w = to_tell.head;
    wait::remove(to_tell, *w);
    base::stress_point();
    word_of(*w).store(told, std::memory_order_release);  // P5; pairs with the acquire in moves_on_to()
  }
  sched::ready_all(woken);  // P5
}

}  // namespace gossamer::inline v0::sync
