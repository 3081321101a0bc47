// waiter: one fiber's (or thread's) place in the queue of one object that it waits on; and ticket, what all the waiters
// of one wait compete for. Both lie on the stack of the one that waits.
//
// The wait protocol (checked in test/model/wait.pml, whose labels these are; lib/sched/wait_on.hpp does the waiter's
// part of it for every object):
//   P1  the waiter makes a ticket, and a waiter for each object;
//   P2  under the object's lock it looks, and if it must block it pushes its waiter;
//   P3  park() switches away; only then are the locks released and the deadline armed (lib/sched/park.hpp);
//   P4  a waker, under the object's lock, pops a waiter and claims its ticket; one claim wins; it moves the value;
//   P5  having unlocked, it makes the fiber ready and touches nothing of the waiter again;
//   P6  a sleeper that was woken otherwise relocks the object and withdraws its waiter;
//   P7  the release of the object's lock is an operation's last access to the object.
// Source: the shape is libdill's (Sustrik); claiming by one exchange is Go's selectDone.
#pragma once

#include <atomic>
#include <cassert>
#include <cstdint>

#include "base/stress.hpp"
#include "gossamer/detail/deadline.hpp"
#include "gossamer/detail/relaxed.hpp"
#include "gossamer/detail/wait_list.hpp"

namespace gossamer::inline v0 {

namespace detail {
struct fiber;
struct waiter;
}  // namespace detail

namespace wait {

using detail::fiber;

enum class outcome : std::uint8_t { pending, woken, timed_out };

struct ticket {
  explicit ticket(fiber* f) noexcept : owner(f) {}
  ticket(const ticket&) = delete;
  ticket& operator=(const ticket&) = delete;

  fiber* const owner;
  // True where one alone can claim it: a waiter, a deadline or a stop.
  detail::relaxed<bool> uncontested = false;
  // Written by the winner, before the owner is made ready.
  outcome result = outcome::pending;
  // Which waiter it was woken through; null if by time.
  const detail::waiter* winner = nullptr;
  std::atomic<bool> claimed{false};
};

// P4. True for exactly one caller.
inline bool claim(ticket& t, outcome result) noexcept {
  base::stress_point();
  // acq_rel: the winner sees all that the waiter wrote before it pushed itself, and a loser's next look (under the
  // object's lock) comes after the winner's.
  if (!t.uncontested && t.claimed.exchange(true, std::memory_order_acq_rel)) {
    return false;
  }
  t.result = result;
  return true;
}

// For inspectors: whether somebody has, as far as this thread sees it.
inline bool is_claimed(const ticket& t) noexcept {
  // relaxed, and volatile: who claims it may do so now.
  return t.uncontested ? static_cast<const volatile outcome&>(t.result) != outcome::pending
                       : t.claimed.load(std::memory_order_relaxed);
}

// Nobody claims it any more: its owner is abandoned, and whoever finds its waiters in a queue drops them (P4). A plain
// thread may claim it at the same moment; then that was before. By the runtime, while the workers stand still.
inline void retire(ticket& t) noexcept {
  t.claimed.store(true);
  t.uncontested = false;
}

}  // namespace wait

namespace detail {

struct waiter {
  explicit waiter(wait::ticket& t, void* v = nullptr) noexcept : its(&t), value(v) {}
  waiter(const waiter&) = delete;
  waiter& operator=(const waiter&) = delete;

  wait::ticket* const its;
  // The value to send, or room for the one to receive; what else an object's waker hands over is in `granted`.
  void* const value;
  bool granted = false;
  deadline since = 0;  // when it began to wait, where its object wants to know
  // Guarded by the object's lock.
  bool queued = false;
  waiter* next = nullptr;
  waiter* previous = nullptr;
};

}  // namespace detail

namespace wait {

using detail::wait_list;
using detail::waiter;

// Both ends agree, and w is where its neighbours say.
inline void check_invariants([[maybe_unused]] const wait_list& list) noexcept {
  assert((list.head == nullptr) == (list.tail == nullptr));
  assert(list.tail == nullptr || list.tail->next == nullptr);
}
inline void check_place([[maybe_unused]] const wait_list& list, [[maybe_unused]] const waiter& w) noexcept {
  assert(w.previous != nullptr ? w.previous->next == &w : list.head == &w);
  assert(w.next != nullptr ? w.next->previous == &w : list.tail == &w);
}
// The first of it, at least, has lost elsewhere and is about to withdraw, or is abandoned.
inline bool is_idle(const wait_list& list) noexcept {
  const waiter* const first = list.head;
  return first == nullptr || first->its->claimed.load(std::memory_order_relaxed);  // relaxed: it stays claimed
}

// All of these under the lock of the list's object.
inline void push_back(wait_list& list, waiter& w) noexcept {
  assert(!w.queued);
  check_invariants(list);
  w.queued = true;
  w.next = nullptr;
  w.previous = list.tail;
  if (list.tail != nullptr) {
    list.tail->next = &w;
  } else {
    list.head = &w;
  }
  list.tail = &w;
}

inline void push_front(wait_list& list, waiter& w) noexcept {
  assert(!w.queued);
  check_invariants(list);
  w.queued = true;
  w.previous = nullptr;
  w.next = list.head;
  (w.next != nullptr ? w.next->previous : list.tail) = &w;
  list.head = &w;
}

inline void remove(wait_list& list, waiter& w) noexcept {
  if (!w.queued) {
    return;
  }
  check_place(list, w);
  w.queued = false;
  if (w.previous != nullptr) {
    w.previous->next = w.next;
  } else {
    list.head = w.next;
  }
  (w.next != nullptr ? w.next->previous : list.tail) = w.previous;
  check_invariants(list);
}

// P4: the first waiter whose ticket this call wins, or null. Those that lost are dropped: they withdraw or have ended.
inline waiter* claim_first(wait_list& list) noexcept {
  while (waiter* w = list.head) {
    remove(list, *w);
    if (claim(*w->its, outcome::woken)) {
      w->its->winner = w;
      return w;
    }
  }
  return nullptr;
}

}  // namespace wait

}  // namespace gossamer::inline v0
