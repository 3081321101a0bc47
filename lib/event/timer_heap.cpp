// timer_heap: see timer_heap.hpp.
#include "event/timer_heap.hpp"

#include <algorithm>
#include <array>
#include <mutex>

namespace gossamer::inline v0::event {

namespace {

// A heap of more than `crowd` timers is looked at that much later than its first one asks for: it wakes its worker once
// for all that come due meanwhile, and not thousands of times a second.
constexpr std::size_t crowd = 256;
constexpr detail::deadline crowd_delay = 200'000;

}  // namespace

void timer_heap::publish() noexcept {
  detail::deadline e = size_ == 0 ? detail::no_deadline : entries_[0].when;
  if (size_ > crowd && e < detail::no_deadline - crowd_delay) {
    e += crowd_delay;
  }
  if (e != look_at_.load(std::memory_order_relaxed)) {
    look_at_.store(e);  // seq_cst: see look_at()
  }
}

void timer_heap::sift_up(std::size_t i) noexcept {
  const entry e = entries_[i];
  while (i > 0) {
    const std::size_t parent = (i - 1) / 4;
    if (entries_[parent].when <= e.when) {
      break;
    }
    entries_[i] = entries_[parent];
    i = parent;
  }
  entries_[i] = e;
}

void timer_heap::sift_down(std::size_t i) noexcept {
  const entry e = entries_[i];
  for (;;) {
    const std::size_t first = 4 * i + 1;
    if (first >= size_) {
      break;
    }
    const std::size_t last = std::min(first + 4, size_);
    std::size_t least = first;
    for (std::size_t c = first + 1; c < last; ++c) {
      if (entries_[c].when < entries_[least].when) {
        least = c;
      }
    }
    if (e.when <= entries_[least].when) {
      break;
    }
    entries_[i] = entries_[least];
    i = least;
  }
  entries_[i] = e;
}

void timer_heap::pop() noexcept {
  entries_[0] = entries_[--size_];
  if (size_ > 0) {
    sift_down(0);
  }
}

void timer_heap::reserve() {
  // Only the owner adds, so what it sees of size_ here is at least what arm() will find.
  guard_.lock();
  const std::size_t size = size_;
  const std::size_t room = room_;
  guard_.unlock();
  if (size < room) {
    return;
  }
  const std::size_t bigger = std::max<std::size_t>(64, 2 * room);
  auto grown = std::make_unique_for_overwrite<entry[]>(bigger);
  const std::scoped_lock hold(guard_);
  for (std::size_t i = 0; i < size_; ++i) {
    grown[i] = entries_[i];
  }
  entries_.swap(grown);
  room_ = bigger;
}

void timer_heap::arm(fiber& f, detail::deadline when) noexcept {
  const std::scoped_lock hold(guard_);
  f.timer_heap = index_;
  entries_[size_] = {when, &f, f.timer_turn};
  sift_up(size_++);
  publish();
}

void timer_heap::disarm(fiber& f) noexcept {
  const std::scoped_lock hold(guard_);
  ++f.timer_turn;
  if (++stale_ > 64 && stale_ > size_ / 2) {
    compact();
  }
}

// Drops the stale entries. expire() counts those that it meets down; an entry that fired before it was disarmed is
// counted though it is gone, so stale_ may exceed the truth until here.
void timer_heap::compact() noexcept {
  const auto kept = std::remove_if(entries_.get(), entries_.get() + size_, [](const entry& e) { return e.stale(); });
  size_ = static_cast<std::size_t>(kept - entries_.get());
  stale_ = 0;
  for (std::size_t i = size_ / 4 + 1; i-- > 0;) {
    if (i < size_) {
      sift_down(i);
    }
  }
  publish();
}

// In three passes, so that the misses of many records and stacks overlap: both are cold when a sleep ends.
std::size_t timer_heap::expire(detail::deadline now, fiber** ready, std::size_t most) noexcept {
  if (look_at() > now) {
    return 0;
  }
  std::array<entry, batch> due;
  std::size_t popped = 0;
  std::size_t live = 0;
  std::size_t n = 0;
  const std::scoped_lock hold(guard_);
  while (popped < std::min(most, batch) && size_ > 0 && entries_[0].when <= now) {
    due[popped] = entries_[0];
    __builtin_prefetch(&due[popped].who->ticket, 1);
    ++popped;
    pop();
  }
  for (std::size_t i = 0; i < popped; ++i) {
    if (due[i].stale()) {
      stale_ -= stale_ > 0 ? 1 : 0;
    } else {
      __builtin_prefetch(due[i].who->ticket, 1);
      due[live++] = due[i];
    }
  }
  for (std::size_t i = 0; i < live; ++i) {
    if (wait::claim(*due[i].who->ticket, wait::outcome::timed_out)) {
      ready[n++] = due[i].who;
    }
  }
  publish();
  return n;
}

void timer_heap::clear() noexcept {
  const std::scoped_lock hold(guard_);
  size_ = 0;
  stale_ = 0;
  publish();
}

}  // namespace gossamer::inline v0::event
