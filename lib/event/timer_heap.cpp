// timer_heap: see timer_heap.hpp.
#include "event/timer_heap.hpp"

#include <algorithm>
#include <mutex>

namespace gossamer::inline v0::event {

void timer_heap::publish() noexcept {
  const detail::deadline e = size_ == 0 ? detail::no_deadline : entries_[0].when;
  if (e != earliest_.load(std::memory_order_relaxed)) {
    earliest_.store(e);  // seq_cst: see earliest()
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
  std::copy_n(entries_.get(), size_, grown.get());
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

std::size_t timer_heap::expire(detail::deadline now, fiber** ready, std::size_t most) noexcept {
  if (earliest() > now) {
    return 0;
  }
  std::size_t n = 0;
  const std::scoped_lock hold(guard_);
  while (n < most && size_ > 0 && entries_[0].when <= now) {
    const entry e = entries_[0];
    pop();
    if (e.stale()) {
      stale_ -= stale_ > 0 ? 1 : 0;
    } else if (wait::claim(*e.who->ticket, wait::outcome::timed_out)) {
      ready[n++] = e.who;
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
