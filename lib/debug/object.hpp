// object: what a parked fiber is blocked on.
//
// The object may be destroyed as soon as the fiber's ticket has been claimed, even while an inspector holds the fiber.
// So its bytes are copied by a system call, which reports memory that is not there instead of faulting, and the ticket
// is looked at afterwards: where it is still unclaimed the object was alive all the time. (Rejected: its lock, which is
// to be had only while it is alive.) The copy may be one of the middle of a change.
#pragma once

#include <cstddef>

#include "fiber/fiber.hpp"
#include "gossamer/debug.hpp"

namespace gossamer::inline v0::debug {

struct object_seen {
  object_info info;
  const void* holder = nullptr;  // an address in the stack of a mutex's holder
  // Of a chan that was read: how many references there are, and whether it is a timer's.
  std::size_t references = 0;
  bool of_timer = false;
};

// f is parked and held by the caller.
object_seen object_of(const fiber& f) noexcept;

}  // namespace gossamer::inline v0::debug
