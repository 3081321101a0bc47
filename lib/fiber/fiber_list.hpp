// fiber_list: fibers that have been claimed, in the order in which they are to go on; linked through their records.
#pragma once

#include <cassert>
#include <cstddef>

#include "fiber/fiber.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0 {

class fiber_list {
 public:
  void add(fiber* f) noexcept {
    assert(f != nullptr && f != tail_of_filled());
    f->next = nullptr;
    (head_ != nullptr ? tail_->next : head_) = f;
    tail_ = f;
  }
  bool empty() const noexcept { return head_ == nullptr; }
  // Walks it.
  std::size_t count() const noexcept {
    std::size_t n = 0;
    for (const fiber* f = head_; f != nullptr; f = f->next) {
      ++n;
    }
    return n;
  }
  // The first; null if there is none. The one that is taken may belong to somebody else from here on.
  fiber* take() noexcept {
    fiber* const f = head_;
    if (f != nullptr) {
      head_ = f->next;
    }
    return f;
  }

 private:
  const fiber* tail_of_filled() const noexcept { return head_ != nullptr ? tail_ : nullptr; }

  fiber* head_ = nullptr;
  fiber* tail_ = nullptr;  // meaningless while head_ is null
};

// P4 for all who wait in the list of an object whose lock is held: they are to be readied once it is not.
inline void claim_all(detail::wait_list& waiters, fiber_list& woken) noexcept {
  while (const detail::waiter* w = wait::claim_first(waiters)) {
    woken.add(w->its->owner);
  }
}

}  // namespace gossamer::inline v0
