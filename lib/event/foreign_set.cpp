// foreign_set: see foreign_set.hpp.
#include "event/foreign_set.hpp"

#include <sys/epoll.h>

#include <cassert>
#include <cerrno>
#include <mutex>
#include <new>

namespace gossamer::inline v0::event {

descriptor* foreign_set::known(int number) noexcept {
  const auto n = static_cast<std::size_t>(number);
  if (n >= chunk_size * chunks) {
    return nullptr;
  }
  // acquire, twice: pairs with the exchanges in of().
  chunk* const all = chunks_[n / chunk_size].load(std::memory_order_acquire);
  return all != nullptr ? (*all)[n % chunk_size].load(std::memory_order_acquire) : nullptr;
}

descriptor* foreign_set::of(int number) noexcept {
  if (descriptor* const d = known(number)) {
    return d;
  }
  const auto n = static_cast<std::size_t>(number);
  if (n >= chunk_size * chunks) {
    return nullptr;
  }
  std::atomic<chunk*>& place = chunks_[n / chunk_size];
  chunk* all = place.load(std::memory_order_acquire);  // acquire: as in known()
  if (all == nullptr) {
    chunk* const made = new (std::nothrow) chunk{};
    if (made == nullptr) {
      return nullptr;
    }
    if (place.compare_exchange_strong(all, made)) {
      all = made;
    } else {
      delete made;
    }
  }
  descriptor* const made = descriptors_.take();
  if (made == nullptr) {
    return nullptr;
  }
  {
    const std::scoped_lock hold(made->guard);
    made->check_invariants();
    made->in.armed = made->out.armed = false;
    made->fd = number;
  }
  descriptor* there = nullptr;
  if ((*all)[n % chunk_size].compare_exchange_strong(there, made)) {
    return made;
  }
  {
    const std::scoped_lock hold(made->guard);
    made->fd = -1;
  }
  descriptors_.give(made);
  return there;
}

int foreign_set::control(int operation, const descriptor& d) const noexcept {
  epoll_event e{};
  e.events = EPOLLONESHOT | (d.in.armed ? EPOLLIN : 0U) | (d.out.armed ? EPOLLOUT : 0U);
  e.data.u64 = d.tag();
  return ::epoll_ctl(set_, operation, d.fd, &e) == 0 ? 0 : errno;
}

int foreign_set::arm(descriptor& d, bool in, bool out, fiber_list& gone) noexcept {
  d.check_invariants();
  ++d.sequence;
  const bool alone = d.in.waiters.empty();  // then nobody wants to hear of what was armed before
  d.in.armed = in || (d.in.armed && !alone);
  d.out.armed = out || (d.out.armed && !alone);
  int problem = control(EPOLL_CTL_MOD, d);
  if (problem != 0) {
    tell_gone(d, gone);
    d.in.armed = in;
    d.out.armed = out;
    problem = problem == ENOENT ? control(EPOLL_CTL_ADD, d) : problem;
  }
  return problem;
}

void foreign_set::look_again(descriptor& d, fiber_list& gone) noexcept {
  const std::scoped_lock hold(d.guard);
  if (!d.in.waiters.empty() && control(EPOLL_CTL_MOD, d) != 0) {
    tell_gone(d, gone);
  }
}

void foreign_set::tell_gone(descriptor& d, fiber_list& gone) noexcept {
  while (detail::waiter* const w = wait::claim_first(d.in.waiters)) {
    w->granted = true;
    gone.add(w->its->owner);
  }
}

void foreign_set::report(descriptor& d, std::uint32_t events, fiber_list& ready) noexcept {
  const bool alone = d.in.waiters.head == d.in.waiters.tail;
  while (detail::waiter* const w = wait::claim_first(d.in.waiters)) {
    if (alone && w->value != nullptr) {
      *static_cast<std::uint32_t*>(w->value) = events;
    }
    ready.add(w->its->owner);
  }
}

void foreign_set::poll(fiber_list& ready) noexcept {
  std::array<epoll_event, 128> events;
  const int n = ::epoll_wait(set_, events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < n; ++i) {
    const std::uint64_t tag = events[static_cast<std::size_t>(i)].data.u64;
    descriptor& d = descriptors_.at(static_cast<std::uint32_t>(tag));
    const std::scoped_lock hold(d.guard);
    if (tag == d.tag()) {
      d.in.armed = d.out.armed = false;
      report(d, events[static_cast<std::size_t>(i)].events, ready);
    }
  }
}

}  // namespace gossamer::inline v0::event
