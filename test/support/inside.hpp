// inside: what a test must see of the inside to know that a fiber has parked, instead of sleeping and hoping.
#pragma once

#include "debug/layout.hpp"
#include "fiber/fiber.hpp"
#include "fiber/reason.hpp"
#include "fiber/record_pool.hpp"
#include "fiber_test.hpp"
#include "wait/waiter.hpp"

namespace support {

// All records, found as a debugger does: the shared library exports nothing else that leads to them.
inline gossamer::record_pool& all_records() {
  return *const_cast<gossamer::record_pool*>(static_cast<const gossamer::record_pool*>(gossamer_layout.records));
}

// Calls visit(fiber&) for every fiber that is parked for that reason at this instant. Whether it stays so is the
// caller's affair.
template <class Visit>
void for_each_parked(gossamer::wait_reason reason, Visit visit) {
  all_records().for_each([&](gossamer::fiber& f) {
    if (f.id.load() != 0 && f.state.load() == gossamer::fiber_state::parked && f.reason == reason &&
        !f.has(gossamer::detail::mark::abandoned)) {
      visit(f);
    }
  });
}

inline int parked(gossamer::wait_reason reason) {
  int n = 0;
  for_each_parked(reason, [&](gossamer::fiber&) { ++n; });
  return n;
}

// Yields until n fibers are parked for that reason.
inline bool await_parked(gossamer::wait_reason reason, int n) {
  return eventually([&] { return parked(reason) == n; });
}

template <class Channel>
int length_of(const Channel& ch, gossamer::detail::wait_list gossamer::detail::chan_core::* list) {
  gossamer::detail::chan_core* c = gossamer::detail::access::core(ch);
  int n = 0;
  c->guard.lock();
  for (gossamer::detail::waiter* w = (c->*list).head; w != nullptr; w = w->next) {
    ++n;
  }
  c->guard.unlock();
  return n;
}

// Yields until n fibers or threads are blocked in a receive from (a send to) the channel.
template <class Channel>
bool await_receivers(const Channel& ch, int n) {
  return eventually([&] { return length_of(ch, &gossamer::detail::chan_core::receivers) == n; });
}
template <class Channel>
bool await_senders(const Channel& ch, int n) {
  return eventually([&] { return length_of(ch, &gossamer::detail::chan_core::senders) == n; });
}

}  // namespace support
