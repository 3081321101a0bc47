// blocking: what mutex, rw_mutex, wait_group, once and barrier do when they cannot go on: spin for a moment; then one
// wait on an object whose guard is a bit of its word (wait/guard_bit.hpp): until it is woken through that object, its
// time comes, or a stop is set.
#pragma once

#include <array>
#include <cstdint>
#include <source_location>
#include <span>

#include "gossamer/detail/cpu_relax.hpp"
#include "gossamer/detail/deadline.hpp"
#include "gossamer/detail/spin_lock.hpp"
#include "gossamer/detail/stop.hpp"
#include "sched/park.hpp"
#include "wait/stop.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::sync {

// How often a lock that is held is looked at again, where sched::can_spin(), before its caller parks.
inline constexpr int brief_spins = 4;

inline void spin_briefly() noexcept {
  for (int i = 0; i < 30; ++i) {
    detail::cpu_relax();
  }
}

// Lies on the waiter's stack.
class blocking {
 public:
  // Where nothing may park it releases the object's guard by storing `unchanged`, and panics.
  blocking(detail::deadline until, wait::stop ended, detail::lock_word& word, std::uint64_t unchanged,
           wait_reason reason, void* value = nullptr)
      : ticket_(sched::current_to_park(reason, [&] { detail::held_lock{&word, unchanged}.release(); })),
        stop_(ended, ticket_),
        self_(ticket_, value),
        until_(until) {  // P1
    ticket_.uncontested = until == detail::no_deadline && !stop_.holds();
  }

  detail::waiter& self() noexcept { return self_; }

  // P2, with the object's guard held: false if the stop is set already, and then nothing is to be pushed or parked.
  bool may_park() noexcept { return stop_.push(); }

  // P3: self() has been pushed; releases the object's guard by storing `released`. True if it was woken through the
  // object. Otherwise self() is to be withdrawn.
  bool park(detail::lock_word& word, std::uint64_t released, wait_reason reason, const void* object,
            const std::source_location& where) noexcept {
    held_ = {detail::held_lock{&word, released}, stop_.holds() ? stop_.held() : detail::held_lock{nullptr, 0}};
    sched::park({.ticket = ticket_,
                 .reason = reason,
                 .object = object,
                 .where = where,
                 .until = until_,
                 .locks = std::span(held_).first(stop_.holds() ? 2 : 1)});
    stop_.withdraw();
    return ticket_.winner == &self_;
  }

 private:
  wait::ticket ticket_;
  wait::stop_waiter stop_;
  detail::waiter self_;
  const detail::deadline until_;
  std::array<detail::held_lock, 2> held_;  // until self() is withdrawn: see sched::parking
};

}  // namespace gossamer::inline v0::sync
