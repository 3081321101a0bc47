// wait_on: the steps P1 to P6 of a wait (wait/waiter.hpp), for everything that blocks. The caller has taken the lock of
// the object, has looked, and must wait; wait_on() makes the ticket, queues the waiter, parks, and takes the waiter out
// of the list again where it was not the object that ended the wait.
//
//   guard_.lock();
//   while (!done_) {
//     switch (sched::wait_on(waiters_, guard_, {.reason = …, .object = this, .where = where, .limit = limit})) {
//       …
//     }
//     guard_.lock();
//   }
//
// A limit with a deadline needs a prepare() before the lock is taken.
#pragma once

#include <cstdint>
#include <optional>
#include <source_location>
#include <span>
#include <type_traits>

#include "fiber/reason.hpp"
#include "gossamer/detail/spin_lock.hpp"
#include "gossamer/detail/wait_list.hpp"
#include "gossamer/limit.hpp"
#include "sched/park.hpp"
#include "wait/stop.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::sched {

enum class wait_result : std::uint8_t {
  woken,      // through the object
  granted,    // the same, and something was handed over with it
  timed_out,  // neither, and so are the next
  stopped,
};

// Whether the object ended the wait, not its limit.
constexpr bool through_object(wait_result r) noexcept { return r <= wait_result::granted; }

struct wait_call {
  // What inspectors show of it.
  wait_reason reason;
  const void* object;
  std::source_location where;
  wait::limit limit{};
  // Of the waiter: what it sends or where it receives, when it began to wait, whether it goes to the head of the list.
  void* value = nullptr;
  detail::deadline since = 0;
  bool first = false;
  // The object is the caller's bubble's, if it is in one, or such that nobody outside is expected to end the wait. See
  // parking.
  bool durable = false;
};

// The lock of an object, which the caller holds: what its word becomes when the caller waits, and what where it does
// not after all, because a stop is set or nothing may park here.
struct object_lock {
  detail::lock_word& word;
  std::uint64_t waits;
  std::uint64_t goes_on;
};

// A place is where somebody waits: a ticket and its waiters, which were made (P1) with current_to_park(). How many can
// claim the ticket, besides time and a stop, is its constant `wakers`; two are many. The rest are steps:
//   enter()           P2: queues the waiters. The locks are held. False if it has been woken already: then it is over
//   turn_back()       the waiters leave their lists, and the locks are released: the stop is set
//   locks(stops)      the locks that are held, and that of the stop unless it has no word: for park() to release. They
//                     must lie where the ticket does (see parking)
//   withdraw()        P6: the waiters that were not claimed leave their lists. No lock is held
// Returns with no lock held. Which waiter was claimed is in the ticket.
template <class Place>
[[gnu::always_inline]] inline wait_result wait_at(Place& place, const wait_call& call) noexcept {
  const bool timed = call.limit.has_deadline();
  const bool stoppable = call.limit.stop().core() != nullptr;
  wait::ticket& ticket = place.ticket;
  ticket.uncontested = Place::wakers + (timed ? 1 : 0) + (stoppable ? 1 : 0) < 2;
  std::optional<wait::stop_waiter> end;
  if (stoppable) {
    end.emplace(call.limit.stop(), ticket);
  }
  if (!place.enter()) {
    return wait_result::woken;
  }
  if (stoppable && !end->push()) {
    place.turn_back();
    return wait_result::stopped;
  }
  sched::park(
      {.ticket = ticket,  // P3
       .reason = call.reason,
       .object = call.object,
       .where = call.where,
       .until = call.limit.deadline(),
       .locks = place.locks(stoppable ? end->held() : detail::held_lock{nullptr, 0}),
       .durable = call.durable && (!stoppable || call.limit.stop().core()->bubble == detail::current_bubble())});
  if (Place::wakers != 1 || timed || stoppable) {  // else only the object can have woken it
    if (stoppable) {
      end->withdraw();
    }
    place.withdraw();
    if (ticket.winner == nullptr) {
      return wait_result::timed_out;
    }
    if (stoppable && end->fired()) {
      return wait_result::stopped;
    }
  }
  return ticket.winner->granted ? wait_result::granted : wait_result::woken;
}

// What others see of one who waits in one list. It is apart from list_place so that the compiler may keep that in
// registers: together they cost a ping-pong 10 % of its instructions.
struct list_waiter {
  list_waiter(fiber* f, const wait_call& call) noexcept : ticket(f), self(ticket, call.value) {  // P1
    self.since = call.since;
  }
  wait::ticket ticket;
  detail::waiter self;
  detail::held_lock held[2];
};

// One list of one object. Withdraw(waiter&) is its P6: it takes the object's lock, removes the waiter from the list,
// and releases the lock.
template <class Withdraw>
struct list_place {
  static constexpr int wakers = 1;

  bool enter() noexcept {
    if (first) {
      wait::push_front(list, its.self);
    } else {
      wait::push_back(list, its.self);
    }
    return true;
  }
  void turn_back() noexcept {
    wait::remove(list, its.self);
    detail::held_lock{&lock.word, lock.goes_on}.release();  // P7
  }
  std::span<const detail::held_lock> locks(detail::held_lock stops) noexcept {
    its.held[0] = {&lock.word, lock.waits};
    if (stops.word == nullptr) {
      return {its.held, 1};
    }
    its.held[1] = stops;
    return {its.held, 2};
  }
  void withdraw() noexcept {
    if (ticket.winner != &its.self) {
      take_out(its.self);
    }
  }

  list_waiter& its;
  wait::ticket& ticket;
  detail::wait_list& list;
  const object_lock& lock;
  Withdraw& take_out;
  bool first;
};

// Before the lock is taken, in the same run of the fiber: makes room for the timer of a deadline. Throws
// std::bad_alloc.
inline void prepare(const wait::limit& limit) {
  if (limit.has_deadline()) {
    sched::prepare_deadline();
  }
}

// Waits in the list of an object, whose lock is held, and is not when it returns, nor when it panics because nothing
// may park here.
template <class Withdraw>
[[gnu::always_inline]] inline wait_result wait_on(detail::wait_list& list, const object_lock& lock,
                                                  const wait_call& call, Withdraw&& withdraw) {
  list_waiter its(sched::current_to_park(call.reason, [&] { detail::held_lock{&lock.word, lock.goes_on}.release(); }),
                  call);
  list_place<std::remove_reference_t<Withdraw>> place{its, its.ticket, list, lock, withdraw, call.first};
  return sched::wait_at(place, call);
}

// The same for an object whose guard is a spin lock.
[[gnu::always_inline]] inline wait_result wait_on(detail::wait_list& list, detail::spin_lock& guard,
                                                  const wait_call& call) {
  return sched::wait_on(list, {*guard.held().word, 0, 0}, call, [&](detail::waiter& self) noexcept {
    guard.lock();
    wait::remove(list, self);
    guard.unlock();  // P7
  });
}

// No object: only the limit ends it, if there is one.
class no_place {
 public:
  static constexpr int wakers = 0;

  explicit no_place(wait_reason reason) : ticket(sched::current_to_park(reason, [] {})) {}  // P1

  static bool enter() noexcept { return true; }
  static void turn_back() noexcept {}
  static void withdraw() noexcept {}
  std::span<const detail::held_lock> locks(detail::held_lock stops) noexcept {
    held_ = stops;
    return {&held_, stops.word != nullptr ? 1U : 0U};
  }

  wait::ticket ticket;

 private:
  detail::held_lock held_{};
};

inline wait_result wait_on_nothing(const wait_call& call) {
  no_place place(call.reason);
  return sched::wait_at(place, call);
}

}  // namespace gossamer::inline v0::sched
