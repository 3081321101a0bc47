// descriptor: a file descriptor that the poller watches, and who waits for it. An object like any other of the wait
// protocol: its lock is `guard`, its waiters are woken by the poller.
//
// Type-stable: its memory stays a descriptor for ever, so that an event which the kernel reported just before it was
// removed finds out from the sequence number that it comes too late.
//
// Edge-triggered: `ready` says that something has come since it was last cleared. Who wants to read or write clears it,
// tries, and waits only if that would have blocked and it still is clear (under the guard). A read that got less than
// it asked for has exhausted a stream: then it may stay clear, and the next one waits at once instead of failing first.
// But the end of a stream, urgent data and errors may stand behind what was read, and come with the same event as it:
// once one of them has been reported (`hung_up`), a short read says nothing. That it would have blocked always does.
#pragma once

#include <cassert>
#include <cstdint>

#include "fiber/fiber_list.hpp"
#include "gossamer/detail/spin_lock.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::event {

struct asio_watch;

struct descriptor {
  struct direction {
    wait::wait_list waiters;
    bool ready = true;  // as long as nobody has tried
    bool armed = true;  // an event will say when it is ready
  };

  detail::spin_lock guard;
  // Guarded by guard.
  int fd = -1;                 // -1: not watched
  std::uint32_t sequence = 0;  // changes when it is removed
  bool hung_up = false;        // for good: what a try has left unsaid is to be tried
  bool joint = false;          // who waits, for whatever, waits in `in`
  direction in;
  direction out;
  asio_watch* watch = nullptr;  // the asio backend's

  // Under the guard: before a try, and after one that did not block; `exhausted`: it took all there was.
  static void begin_try(direction& way) noexcept { way.ready = false; }
  void end_try(direction& way, bool exhausted) noexcept { way.ready = way.ready || !exhausted || hung_up; }
  // Under the guard, by the poller. Wakes everybody who waits: each tries for itself, and waits again if another was
  // faster.
  void become_ready(direction& way, fiber_list& woken) noexcept {
    way.ready = true;
    claim_all((joint ? in : way).waiters, woken);
  }

  // What the kernel hands back with an event.
  std::uint64_t tag() const noexcept { return std::uint64_t{sequence} << 32 | index; }

  // Under the guard. Who may become ready is told of it: by an event, or by whoever stops to watch.
  void check_invariants() const noexcept {
    assert(guard.is_locked());
    wait::check_invariants(in.waiters);
    wait::check_invariants(out.waiters);
    assert(fd >= 0 || (wait::is_idle(in.waiters) && wait::is_idle(out.waiters)));
  }

  // Fixed.
  std::uint32_t index = 0;
  // In the pool: guarded by its lock.
  descriptor* next = nullptr;
};

}  // namespace gossamer::inline v0::event
