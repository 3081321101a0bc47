// wait_list: the waiters of one object, first come first served. Guarded by the object's lock.
#pragma once

namespace gossamer::inline v0::detail {

struct waiter;  // lib/wait/waiter.hpp

struct wait_list {
  waiter* head = nullptr;
  waiter* tail = nullptr;

  constexpr bool empty() const noexcept { return head == nullptr; }
};

}  // namespace gossamer::inline v0::detail
