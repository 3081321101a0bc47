// object: what a parked fiber is blocked on.
//
// The object may be destroyed as soon as the fiber's ticket has been claimed, even while an inspector holds the fiber.
// So its bytes are copied by a system call, which reports memory that is not there instead of faulting, and the ticket
// is looked at afterwards: where it is still unclaimed the object was alive all the time. (Rejected: its lock, which is
// to be had only while it is alive.) The copy may be one of the middle of a change.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "fiber/fiber.hpp"
#include "gossamer/debug.hpp"

namespace gossamer::inline v0::debug {

struct object_seen {
  object_info info;
  const void* holder = nullptr;  // an address in the stack of the holder of a mutex, or of an rw_mutex: its writer
};

// Of one fiber: the first is fiber::object. Of a select with more channels than have room, the others are left out.
struct objects_seen {
  static constexpr std::size_t at_most = 16;
  std::array<object_seen, at_most> objects;
  std::size_t count = 0;

  std::span<const object_seen> all() const noexcept { return {objects.data(), count}; }
};

// f is parked and held by the caller. Replaces what was there.
void objects_of(const fiber& f, objects_seen& to) noexcept;

}  // namespace gossamer::inline v0::debug
