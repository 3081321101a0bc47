// timer_wheel: the timers of a heap that are not due soon, in lists by when they are: to put one in or to take one out
// costs the same however many there are. Most are taken out: they are for time-outs that do not come.
//
// A list of level n is for 2^(20 + 6 n) ns, and each level has 64 of them, which are used again and again. What counts
// is only that no timer of a list is due before its `earliest`: when that time comes, the whole list is gone through,
// and who is not due soon even then is put into a finer list. So a timer is looked at once a level at most, and a list
// that holds what does not belong there costs nothing but a look too early.
// Source: Varghese and Lauck's hierarchical wheels. Differs: it does not tick. Guarded by its heap's lock.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>

#include "gossamer/detail/deadline.hpp"
#include "wait/timer_node.hpp"

namespace gossamer::inline v0::event {

class timer_wheel {
 public:
  using node = wait::timer_node;

  // Who is due within this time belongs into the heap.
  static constexpr detail::deadline soon = detail::deadline{2} << 20;

  // Puts in t, which is due at t.when, some time after `now`.
  void put(node& t, detail::deadline now) noexcept {
    assert(t.when != detail::no_deadline);
    std::size_t level = 0;
    unsigned shift = finest;
    while (level + 1 < levels && (t.when >> shift) - (now >> shift) >= std::int64_t{lists_a_level}) {
      ++level;
      shift += 6;
    }
    const auto i = static_cast<std::size_t>(t.when >> shift) % lists_a_level;
    list& l = lists_[level][i];
    l.earliest = l.head == nullptr ? t.when : std::min(l.earliest, t.when);
    filled_[level] |= std::uint64_t{1} << i;
    earliest_ = std::min(earliest_, t.when);
    t.position = node::in_wheel;
    t.next = l.head;
    if (node* const n = t.next) {
      n->link = &t.next;
      t.ahead[0] = n->next;
      t.ahead[1] = n->ahead[0];
      t.ahead[2] = n->ahead[1];
    }
    t.link = &l.head;
    l.head = &t;
    ++size_;
  }

  void take_out(node& t) noexcept {
    assert(t.position == node::in_wheel && size_ > 0);
    assert(*t.link == &t && (t.next == nullptr || t.next->link == &t.next));
    t.position = node::nowhere;
    *t.link = t.next;
    if (t.next != nullptr) {
      t.next->link = t.link;
    }
    if (--size_ == 0) {
      assert(gathered_ == nullptr);
      earliest_ = detail::no_deadline;
      filled_ = {};
    }
  }

  // Takes out one of the timers of the lists whose time has come, due or not; null if there is none any more: from then
  // on, earliest() > now.
  node* take_next(detail::deadline now) noexcept {
    while (earliest_ <= now) {
      if (node* t = gathered_) {
        take_out(*t);
        __builtin_prefetch(t->ahead[2], 1);  // or the list would be one cache miss after the other
        return t;
      }
      gather(now);
    }
    return nullptr;
  }

  void clear() noexcept {
    while (take_next(detail::no_deadline - 1) != nullptr) {
    }
  }

  // When take_next() is to be called; no timer is due before. no_deadline if there are none.
  detail::deadline earliest() const noexcept { return earliest_; }
  std::size_t size() const noexcept { return size_; }

 private:
  static constexpr unsigned finest = 20;
  static constexpr std::size_t levels = 7;
  static constexpr std::size_t lists_a_level = 64;

  struct list {
    node* head = nullptr;
    detail::deadline earliest = 0;
  };

  // The first list whose time has come becomes gathered_; where there is none, earliest_ is set right.
  void gather(detail::deadline now) noexcept {
    detail::deadline least = detail::no_deadline;
    for (std::size_t level = 0; level < levels; ++level) {
      for (std::uint64_t left = filled_[level]; left != 0; left &= left - 1) {
        list& l = lists_[level][static_cast<std::size_t>(std::countr_zero(left))];
        if (l.head == nullptr) {
          filled_[level] &= ~(left & -left);
        } else if (l.earliest <= now) {
          gathered_ = l.head;
          gathered_->link = &gathered_;
          l.head = nullptr;
          return;
        } else {
          least = std::min(least, l.earliest);
        }
      }
    }
    assert((least == detail::no_deadline) == (size_ == 0));
    earliest_ = least;
  }

  // While gathered_ has timers, earliest_ is not later than what it was when they were gathered.
  node* gathered_ = nullptr;
  detail::deadline earliest_ = detail::no_deadline;
  std::size_t size_ = 0;
  // A bit is set where a list has a timer; it may be set where it has none any more.
  std::array<std::uint64_t, levels> filled_{};
  std::array<std::array<list, lists_a_level>, levels> lists_{};
};

}  // namespace gossamer::inline v0::event
