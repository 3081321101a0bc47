// attempt: what a send or a receive can do at this instant. Shared by send, receive and select.
// Source: Go runtime/chan.go. Differs: one function serves sending and receiving.
#pragma once

#include <cassert>
#include <cstddef>

#include "gossamer/detail/chan_core.hpp"
#include "sched/park.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::detail {

enum class attempt_result { done, closed, blocked };

inline std::byte* slot(const chan_core& c, std::size_t n) noexcept { return c.slots + n * c.type->size; }

// Under the guard: the equations of chan_core.hpp.
inline void check_invariants([[maybe_unused]] const chan_core& c) noexcept {
  assert(c.count <= c.capacity);
  assert(c.capacity == 0 || (c.head < c.capacity && c.tail == (c.head + c.count) % c.capacity));
  assert(c.count == c.capacity || wait::is_idle(c.senders));
  assert(c.count == 0 || wait::is_idle(c.receivers));
  assert(!c.closed || (c.senders.empty() && c.receivers.empty()));
}

// Both are for a type of any size; where it is 0 no value exists but in the hands of a caller.
inline void put(chan_core& c, void* value) noexcept {
  assert(c.count < c.capacity);
  if (c.type->size != 0) {
    c.type->move(slot(c, c.tail), value);
  }
  c.tail = c.next(c.tail);
  ++c.count;
}
inline void get(chan_core& c, void* to) noexcept {
  assert(c.count > 0);
  void* from = c.type->size != 0 ? slot(c, c.head) : to;
  c.type->move(to, from);
  if (c.type->size != 0) {
    c.type->destroy(from);
  }
  c.head = c.next(c.head);
  --c.count;
}

// Under the guard, which it leaves held, or while only the caller knows the channel. A fiber that is to be made ready
// once the guard is released is put into *woken.
inline attempt_result attempt(chan_core& c, direction way, void* value, fiber** woken) noexcept {
  check_invariants(c);
  if (way == direction::send) {
    if (c.closed) {
      return attempt_result::closed;
    }
    if (waiter* receiver = wait::claim_first(c.receivers)) {
      c.type->move(receiver->value, value);  // CH11: straight into its hands
      receiver->granted = true;
      *woken = receiver->its->owner;
      return attempt_result::done;
    }
    if (c.count < c.capacity) {
      put(c, value);
      return attempt_result::done;
    }
    return attempt_result::blocked;
  }
  if (c.count > 0) {
    get(c, value);
    if (waiter* sender = wait::claim_first(c.senders)) {
      put(c, sender->value);  // CH13: the head was taken, its value joins the tail
      sender->granted = true;
      *woken = sender->its->owner;
    }
    return attempt_result::done;
  }
  if (waiter* sender = wait::claim_first(c.senders)) {
    c.type->move(value, sender->value);
    sender->granted = true;
    *woken = sender->its->owner;
    return attempt_result::done;
  }
  return c.closed ? attempt_result::closed : attempt_result::blocked;
}

}  // namespace gossamer::inline v0::detail
