// timer_heap: see timer_heap.hpp.
#include "event/timer_heap.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <mutex>
#include <utility>

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

void timer_heap::put(std::size_t i, const entry& e) noexcept {
  entries_[i] = e;
  if (e.is_timer) {
    e.timer().position = i;
  }
}

void timer_heap::sift_up(std::size_t i) noexcept {
  const entry e = entries_[i];
  while (i > 0) {
    const std::size_t parent = (i - 1) / 4;
    if (entries_[parent].when <= e.when) {
      break;
    }
    put(i, entries_[parent]);
    i = parent;
  }
  put(i, e);
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
    put(i, entries_[least]);
    i = least;
  }
  put(i, e);
}

// The last entry takes its place.
void timer_heap::remove_at(std::size_t i) noexcept {
  if (i == --size_) {
    return;
  }
  entries_[i] = entries_[size_];
  if (i > 0 && entries_[i].when < entries_[(i - 1) / 4].when) {
    sift_up(i);
  } else {
    sift_down(i);
  }
}

// A buffer of more than `room`, without holding the lock while it is made.
void timer_heap::grow(std::size_t room) {
  const std::size_t bigger = std::max<std::size_t>(64, 2 * room);
  auto grown = std::make_unique_for_overwrite<entry[]>(bigger);
  const std::scoped_lock hold(guard_);
  if (room_ >= bigger) {
    return;  // somebody else was quicker
  }
  for (std::size_t i = 0; i < size_; ++i) {
    grown[i] = entries_[i];
  }
  entries_.swap(grown);
  room_ = bigger;
}

void timer_heap::reserve() {
  // Only the owner adds fibers, and timers leave one place to them, so what it sees here is still so when it arms.
  guard_.lock();
  const std::size_t size = size_;
  const std::size_t room = room_;
  guard_.unlock();
  if (size == room) {
    grow(room);
  }
}

void timer_heap::arm(fiber& f, detail::deadline when) noexcept {
  const std::scoped_lock hold(guard_);
  f.timer_heap = index_;
  // relaxed: only the fiber itself turns it on.
  entries_[size_] = {when, &f, f.timer_turn.load(std::memory_order_relaxed), false};
  sift_up(size_++);
  publish();
}

void timer_heap::disarm(fiber& f) noexcept {
  const std::scoped_lock hold(guard_);
  // relaxed: see entry::stale(). Other heaps may still have older entries of the fiber, which stay stale.
  f.timer_turn.store(f.timer_turn.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (++stale_ > 64 && stale_ > size_ / 2) {
    compact();
  }
}

bool timer_heap::add(wait::timer_node& t, detail::deadline when, detail::deadline period, std::uint32_t turn) {
  for (;;) {
    guard_.lock();
    if (size_ + 1 < room_) {
      break;
    }
    const std::size_t room = room_;
    guard_.unlock();
    grow(room);
  }
  assert(t.position == wait::timer_node::nowhere);
  t.heap = index_;
  t.period = period;
  entries_[size_] = {when, &t, turn, true};
  sift_up(size_++);
  const detail::deadline before = look_at_.load(std::memory_order_relaxed);  // relaxed: written under the lock
  publish();
  const bool earlier = look_at_.load(std::memory_order_relaxed) < before;
  guard_.unlock();
  return earlier;
}

bool timer_heap::take_out(wait::timer_node& t) noexcept {
  const std::scoped_lock hold(guard_);
  if (t.position == wait::timer_node::nowhere) {
    return false;
  }
  assert(t.position < size_ && entries_[t.position].who == &t);
  remove_at(std::exchange(t.position, wait::timer_node::nowhere));
  publish();
  return true;
}

// Drops the stale entries. expire() counts those that it meets down; an entry that fired before it was disarmed is
// counted though it is gone, so stale_ may exceed the truth until here.
void timer_heap::compact() noexcept {
  const auto kept = std::remove_if(entries_.get(), entries_.get() + size_, [](const entry& e) { return e.stale(); });
  size_ = static_cast<std::size_t>(kept - entries_.get());
  stale_ = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    put(i, entries_[i]);
  }
  for (std::size_t i = size_ / 4 + 1; i-- > 0;) {
    if (i < size_) {
      sift_down(i);
    }
  }
  publish();
}

// The first entry has been seen to be due: it goes, or, if it is periodic, moves on to its next time that is to come.
void timer_heap::take_first(detail::deadline now) noexcept {
  entry& first = entries_[0];
  if (first.is_timer) {
    wait::timer_node& t = first.timer();
    if (t.period > 0) {
      const detail::deadline late = now - first.when;
      const detail::deadline next =
          detail::after(first.when + late / t.period * t.period, std::chrono::nanoseconds(t.period));
      if (next != detail::no_deadline) {
        first.when = next;
        sift_down(0);
        return;
      }
    }
    t.position = wait::timer_node::nowhere;
  }
  remove_at(0);
}

// In three passes, so that the misses of many records and stacks overlap: both are cold when a sleep ends.
std::size_t timer_heap::expire(detail::deadline now, entry* ready, std::size_t most) noexcept {
  if (look_at() > now) {
    return 0;
  }
  std::array<entry, batch> due;
  std::size_t popped = 0;
  std::size_t live = 0;
  std::size_t n = 0;
  const std::scoped_lock hold(guard_);
  while (popped < std::min(most, batch) && size_ > 0 && entries_[0].when <= now) {
    const entry& e = due[popped++] = entries_[0];
    __builtin_prefetch(e.is_timer ? &e.timer() : static_cast<const void*>(&e.sleeper().ticket), 1);
    take_first(now);
  }
  for (std::size_t i = 0; i < popped; ++i) {
    if (due[i].stale()) {
      stale_ -= stale_ > 0 ? 1 : 0;
    } else {
      if (!due[i].is_timer) {
        __builtin_prefetch(due[i].sleeper().ticket, 1);
      }
      due[live++] = due[i];
    }
  }
  for (std::size_t i = 0; i < live; ++i) {
    const entry& e = due[i];
    if (e.is_timer ? e.timer().retain() : wait::claim(*e.sleeper().ticket, wait::outcome::timed_out)) {
      ready[n++] = e;
    }
  }
  publish();
  return n;
}

std::size_t timer_heap::size() noexcept {
  const std::scoped_lock hold(guard_);
  return size_;
}

void timer_heap::clear() noexcept {
  const std::scoped_lock hold(guard_);
  for (std::size_t i = 0; i < size_; ++i) {
    if (entries_[i].is_timer) {
      entries_[i].timer().position = wait::timer_node::nowhere;
    }
  }
  size_ = 0;
  stale_ = 0;
  publish();
}

}  // namespace gossamer::inline v0::event
