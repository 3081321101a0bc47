// wait_list: the waiters of one object, first come first served. Guarded by the object's lock.
#pragma once

#include "relaxed.hpp"

namespace gossamer::inline v0::detail {

struct waiter;  // lib/wait/waiter.hpp

struct wait_list {
  relaxed<waiter*> head = nullptr;  // looked at without the lock too: does anybody wait?
  waiter* tail = nullptr;

  constexpr wait_list() noexcept = default;
  bool empty() const noexcept { return head == nullptr; }
};

}  // namespace gossamer::inline v0::detail
