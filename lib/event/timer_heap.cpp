// timer_heap: see timer_heap.hpp.
#include "event/timer_heap.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <mutex>
#include <new>
#include <utility>

namespace gossamer::inline v0::event {

namespace {

// A heap of more than `crowd` timers is looked at that much later than its first one asks for: it wakes its worker once
// for all that come due meanwhile, and not thousands of times a second.
constexpr std::size_t crowd = 256;
constexpr detail::deadline crowd_delay = 200'000;

// What a heap begins with, and what it keeps once it had to have so much.
constexpr std::size_t least_room = 64;
constexpr std::size_t kept_room = 4096;

// So many timers are moved from the wheel before the lock is given up for a moment.
constexpr int wheel_batch = 256;

}  // namespace

// Under guard_. Of a large heap only the part that decides what comes next.
void timer_heap::check_invariants() const noexcept {
#if !defined(NDEBUG)
  assert(guard_.is_locked());
  assert(size_ + wheel_.size() <= room_);
  for (std::size_t i = 0; i < std::min<std::size_t>(size_, 64); ++i) {
    assert(i == 0 || entries_[(i - 1) / 4].when <= entries_[i].when);
    assert(!entries_[i].is_timer || entries_[i].timer().position == i);
  }
#endif
}

void timer_heap::publish() noexcept {
  check_invariants();
  detail::deadline e = std::min(size_ == 0 ? detail::no_deadline : entries_[0].when, wheel_.earliest());
  if (size_ + wheel_.size() > crowd && !exact_ && e < detail::no_deadline - crowd_delay) {
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
  assert(i < size_);
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
  const std::size_t bigger = std::max(least_room, 2 * room);
  auto grown = std::make_unique_for_overwrite<entry[]>(bigger);
  const std::scoped_lock hold(guard_);
  if (room_ >= bigger) {
    return;  // somebody else was quicker
  }
  for (std::size_t i = 0; i < size_; ++i) {
    grown[i] = entries_[i];
  }
  assert(size_ <= bigger);
  entries_.swap(grown);
  room_ = bigger;
}

// Under guard_: whether it is as good as empty, after a burst.
bool timer_heap::roomy() const noexcept { return room_ > kept_room && size_ + wheel_.size() + kept_ <= room_ / 8; }

// Gives back what it does not need. Whoever has reserved a place finds it still.
void timer_heap::shrink() noexcept {
  guard_.lock();
  const std::size_t smaller = roomy() ? room_ / 4 : 0;
  guard_.unlock();
  if (smaller == 0) {
    return;
  }
  std::unique_ptr<entry[]> shrunk(new (std::nothrow) entry[smaller]);
  const std::scoped_lock hold(guard_);
  if (shrunk == nullptr || !roomy() || smaller != room_ / 4) {
    return;
  }
  assert(size_ + wheel_.size() < smaller);
  std::copy_n(entries_.get(), size_, shrunk.get());
  entries_.swap(shrunk);
  room_ = smaller;
}

// Timers leave a place to each fiber that is about to arm, so what it sees here is still so when it does.
void timer_heap::reserve_for(std::size_t fibers) {
  for (;;) {
    guard_.lock();
    kept_ = std::max(kept_, fibers);
    const std::size_t least = size_ + wheel_.size() + kept_;
    const std::size_t room = room_;
    guard_.unlock();
    if (least <= room) {
      return;
    }
    grow(std::max(room, least / 2));
  }
}

void timer_heap::arm(fiber& f, detail::deadline when) noexcept {
  const std::scoped_lock hold(guard_);
  assert(size_ < room_);  // see reserve()
  f.timer_heap = index_;
  // relaxed: only the fiber itself turns it on.
  entries_[size_] = {when, &f, f.timer_turn.load(std::memory_order_relaxed), false};
  sift_up(size_++);
  publish();
}

void timer_heap::disarm(fiber& f) noexcept {
  guard_.lock();
  // relaxed: see entry::stale(). Other heaps may still have older entries of the fiber, which stay stale.
  f.timer_turn.store(f.timer_turn.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  bool too_big = false;
  if (++stale_ > 64 && stale_ > size_ / 2) {
    compact();
    too_big = roomy();
  }
  guard_.unlock();
  if (too_big) [[unlikely]] {
    shrink();
  }
}

bool timer_heap::add(wait::timer_node& t, detail::deadline now, detail::deadline when, detail::deadline period,
                     std::uint32_t turn) {
  for (;;) {
    guard_.lock();
    const std::size_t least = size_ + wheel_.size() + 1 + kept_;
    if (least <= room_) {
      break;
    }
    const std::size_t room = std::max(room_, least / 2);
    guard_.unlock();
    grow(room);
  }
  assert(t.position == wait::timer_node::nowhere);
  t.heap = index_;
  t.when = when;
  t.period = period;
  t.armed_turn = turn;
  if (waits_in_wheel(now, when)) {
    wheel_.put(t, now);
  } else {
    entries_[size_] = {when, &t, turn, true};
    sift_up(size_++);
  }
  const detail::deadline before = look_at_.load(std::memory_order_relaxed);  // relaxed: written under the lock
  publish();
  const bool earlier = look_at_.load(std::memory_order_relaxed) < before;
  guard_.unlock();
  return earlier;
}

bool timer_heap::take_out(wait::timer_node& t) noexcept {
  using node = wait::timer_node;
  guard_.lock();
  if (t.position == node::nowhere || t.position == node::missed) {
    t.position = node::nowhere;
    guard_.unlock();
    return false;
  }
  if (t.position == node::in_wheel) {
    wheel_.take_out(t);
  } else {
    assert(t.position < size_ && entries_[t.position].who == &t);
    remove_at(std::exchange(t.position, node::nowhere));
  }
  publish();
  const bool too_big = roomy();
  guard_.unlock();
  if (too_big) [[unlikely]] {
    shrink();
  }
  return true;
}

wait::remains timer_heap::leave(wait::timer_node& t) noexcept {
  using node = wait::timer_node;
  const std::scoped_lock hold(guard_);
  if (t.position == node::nowhere) {
    return wait::remains::nothing;
  }
  if (t.position == node::missed) {
    t.position = node::nowhere;
    return wait::remains::due;
  }
  t.orphan = true;
  return wait::remains::armed;
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
        first.when = t.when = next;
        if (waits_in_wheel(now, next)) {
          remove_at(0);
          wheel_.put(t, now);
        } else {
          sift_down(0);
        }
        return;
      }
    }
    t.position = wait::timer_node::nowhere;
  }
  remove_at(0);
}

// Moves on those whose time has come near.
void timer_heap::turn_wheel(detail::deadline now) noexcept {
  for (int i = 0; i < wheel_batch; ++i) {
    wait::timer_node* const t = wheel_.take_next(now);
    if (t == nullptr) {
      return;
    }
    if (t->when - now > timer_wheel::soon) {
      wheel_.put(*t, now);
    } else {
      entries_[size_] = {t->when, t, t->armed_turn, true};
      sift_up(size_++);
    }
  }
}

std::size_t timer_heap::expire(detail::deadline now, entry* ready, std::size_t most) noexcept {
  if (look_at() > now) {
    return 0;
  }
  guard_.lock();
  const std::size_t n = take_due(now, ready, std::min(most, batch));
  publish();
  const bool too_big = roomy();
  guard_.unlock();
  if (too_big) [[unlikely]] {
    shrink();
  }
  return n;
}

// In three passes, so that the misses of many records and stacks overlap: both are cold when a sleep ends.
std::size_t timer_heap::take_due(detail::deadline now, entry* ready, std::size_t most) noexcept {
  std::array<entry, batch> due;
  std::size_t popped = 0;
  std::size_t live = 0;
  std::size_t n = 0;
  turn_wheel(now);
  // Where the wheel still has some that may be due, those of the heap that may come after them have to wait.
  while (popped < most && size_ > 0 && entries_[0].when <= std::min(now, wheel_.earliest())) {
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
    } else if (e.is_timer && e.timer().position == wait::timer_node::nowhere) {
      e.timer().position = wait::timer_node::missed;
    }
  }
  return n;
}

std::size_t timer_heap::size() noexcept {
  const std::scoped_lock hold(guard_);
  return size_ + wheel_.size();
}

std::size_t timer_heap::room() noexcept {
  const std::scoped_lock hold(guard_);
  return room_;
}

void timer_heap::clear() noexcept {
  const std::scoped_lock hold(guard_);
  for (std::size_t i = 0; i < size_; ++i) {
    if (entries_[i].is_timer) {
      entries_[i].timer().position = wait::timer_node::nowhere;
    }
  }
  wheel_.clear();
  size_ = 0;
  stale_ = 0;
  kept_ = 1;
  publish();
}

}  // namespace gossamer::inline v0::event
