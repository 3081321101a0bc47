// foreign: see foreign.hpp. A wait looks by poll(2), and then again after each wake-up that does not say what has come:
// others who wait may have been faster, or the wake-up may have had no cause. In between it waits in the poller's set
// of foreign descriptors, or, with a backend that has none, on a copy of the descriptor, which the poller watches as
// one of ours.
#include "net/foreign.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstdint>
#include <optional>

#include "event/poller.hpp"
#include "gossamer/runtime.hpp"
#include "net/fd.hpp"
#include "net/waiting.hpp"
#include "sched/park.hpp"
#include "sched/wait_on.hpp"

namespace gossamer::inline v0::net {

namespace {

using kind = trouble::kind;

// What is so now, as result_of().
int look(int number, short events) noexcept {
  pollfd p{number, events, 0};
  ssize_t n = 0;
  do {
    n = result_of(::poll(&p, 1, 0));
  } while (n == -EINTR);
  return n < 0 ? static_cast<int>(n) : p.revents;
}

int copy_of(int number) noexcept { return static_cast<int>(result_of(::fcntl(number, F_DUPFD_CLOEXEC, 0))); }

// A copy of the number, while the poller watches it.
class watched_copy {
 public:
  explicit watched_copy(int number) noexcept : number_(copy_of(number)), flags_(::fcntl(number, F_GETFL)) {
    if (number_ < 0) {
      problem_ = trouble::of("fcntl", -number_);
      return;
    }
    int problem = 0;
    its_ = event::the_poller.add(number_, problem);
    if (its_ == nullptr) {
      problem_ = trouble::of("epoll_ctl", problem);
      return;
    }
    its_->guard.lock();
    its_->joint = true;
    its_->guard.unlock();
  }
  watched_copy(const watched_copy&) = delete;
  watched_copy& operator=(const watched_copy&) = delete;
  ~watched_copy() {
    if (its_ != nullptr) {
      fiber_list nobody;
      event::the_poller.remove(*its_, nobody);
    }
    if (number_ >= 0) {
      runtime::blocking([this] { return ::close(number_); });  // the last of one that lingers, if its owner has gone
    }
  }

  // Asio has made the open file one that does not block, which is its owner's as well.
  void block_again() const noexcept {
    if (flags_ >= 0 && (flags_ & O_NONBLOCK) == 0) {
      ::fcntl(number_, F_SETFL, flags_);
    }
  }

  trouble problem() const noexcept { return problem_; }
  // Where there is no problem.
  event::descriptor& its() noexcept {
    assert(its_ != nullptr);
    return *its_;
  }

 private:
  const int number_;
  const int flags_;
  event::descriptor* its_ = nullptr;
  trouble problem_{};
};

class foreign_wait {
 public:
  foreign_wait(int number, short events, const ending& end, const std::source_location& where) noexcept
      : number_(number), events_(events), stop_(end.stop()), where_(where) {}

  trouble await(short& got);

 private:
  bool in() const noexcept { return (events_ & POLLIN) != 0; }
  bool out() const noexcept { return (events_ & POLLOUT) != 0; }
  trouble await_event();
  trouble await_in_set(event::foreign_set& all, event::descriptor& d);
  trouble await_on_copy(event::descriptor& d);
  trouble park(event::descriptor& d);
  // Whether a report of poll's or epoll's bits, which are the same, is of something that is waited for.
  bool concerns(std::uint32_t reported) const noexcept {
    return (reported & (static_cast<std::uint32_t>(events_) | POLLERR | POLLHUP)) != 0;
  }

  const int number_;
  const short events_;
  const wait::stop stop_;
  const std::source_location& where_;
  std::uint32_t reported_ = 0;  // with the wake-up
  std::optional<watched_copy> copy_;
};
static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLERR == EPOLLERR && POLLHUP == EPOLLHUP);

trouble foreign_wait::await(short& got) {
  if (events_ == 0) {
    return trouble::of("poll", EINVAL);
  }
  if (number_ < 0) {
    return trouble::of("poll", EBADF);
  }
  for (;;) {
    if (stop_.is_set()) {
      return {kind::ended};
    }
    const int now = look(number_, events_);
    if (now < 0) {
      return trouble::of("poll", -now);
    }
    if ((now & POLLNVAL) != 0) {
      return trouble::of("poll", EBADF);
    }
    if (now != 0) {
      got = static_cast<short>(now);
      return {};
    }
    if (const trouble t = await_event()) {
      if (t.why == kind::refused && t.code == EPERM) {  // it never blocks, whatever poll() says
        got = events_;
        return {};
      }
      return t;
    }
    if (concerns(reported_)) {
      got = static_cast<short>(reported_);
      return {};
    }
  }
}

// Until a look makes sense.
trouble foreign_wait::await_event() {
  if (copy_) {
    return await_on_copy(copy_->its());
  }
  const bool first = !event::the_poller.in_use();
  int problem = 0;
  event::foreign_set* const all = event::the_poller.foreign(problem);
  if (first) {
    sched::look_at_events();
  }
  if (all != nullptr) {
    event::descriptor* const d = all->of(number_);
    return d != nullptr ? await_in_set(*all, *d) : trouble::of("epoll_ctl", ENOMEM);
  }
  if (problem != 0) {
    return trouble::of("epoll_create1", problem);
  }
  copy_.emplace(number_);
  return copy_->problem();
}

trouble foreign_wait::await_in_set(event::foreign_set& all, event::descriptor& d) {
  d.guard.lock();
  for (preparation p; !p.may_wait(detail::no_deadline, d.guard);) {
  }
  assert(d.fd == number_);
  fiber_list gone;
  const int problem = all.arm(d, in(), out(), gone);
  if (problem == 0 && gone.empty()) {
    return park(d);
  }
  d.guard.unlock();
  sched::ready_all(gone);
  return problem == 0 ? trouble() : problem == EBADF ? trouble::of("poll", EBADF) : trouble::of("epoll_ctl", problem);
}

trouble foreign_wait::await_on_copy(event::descriptor& d) {
  d.guard.lock();
  for (preparation p; !p.may_wait(detail::no_deadline, d.guard);) {
  }
  assert(d.joint);  // else `in` would not hear of `out`
  if ((in() && d.in.ready) || (out() && d.out.ready)) {
    event::descriptor::begin_try(d.in);
    event::descriptor::begin_try(d.out);
    d.guard.unlock();
    return {};
  }
  if (in()) {
    event::the_poller.expect(d, d.in);
  }
  if (out()) {
    event::the_poller.expect(d, d.out);
  }
  copy_->block_again();
  return park(d);
}

// The guard is held, and is not when it returns.
trouble foreign_wait::park(event::descriptor& d) {
  assert(d.guard.is_locked());
  switch (sched::wait_on(
      d.in.waiters, d.guard,
      {.reason = wait_reason::io_wait, .object = &d, .where = where_, .limit = stop_, .value = &reported_})) {
    case sched::wait_result::stopped:
      return {kind::ended};
    case sched::wait_result::granted:  // the file has gone
      return trouble::of("poll", EBADF);
    case sched::wait_result::woken:
    case sched::wait_result::timed_out:
      break;
  }
  return {};
}

}  // namespace

trouble await_foreign(int number, short events, short& got, const ending& end, const std::source_location& where) {
  assert((events & ~(POLLIN | POLLOUT)) == 0);
  return foreign_wait(number, events, end, where).await(got);
}

}  // namespace gossamer::inline v0::net
