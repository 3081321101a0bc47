// relay: see relay.hpp.
#include "signal/relay.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <exception>
#include <iterator>
#include <string>
#include <utility>

#include "gossamer/asio.hpp"
#include "gossamer/detail/own_fiber.hpp"
#include "gossamer/error.hpp"
#include "gossamer/select.hpp"

namespace gossamer::inline v0::signal {

namespace {

constexpr relay::numbers bit(int n) noexcept { return relay::numbers{1} << (n - 1); }

// Calls f with each.
template <class F>
void for_each(relay::numbers these, F f) {
  for (; these != 0; these &= these - 1) {
    f(std::countr_zero(these) + 1);
  }
}

// Source: Go's signalError.
struct received final : errors::base {
  explicit received(os::signal s) : what(s) {}
  std::string text() const override { return what.text() + " signal received"; }
  bool is(const error& target) const override { return target == context::canceled; }
  os::signal what;
};

}  // namespace

relay& relay::one() {
  static relay& it = *new relay;
  return it;
}

relay::numbers relay::catchable(std::span<const os::signal> signals) noexcept {
  numbers all = 0;
  for (int n = 1; n <= dispositions::most; ++n) {
    bool named = signals.empty();
    for (const os::signal s : signals) {
      named = named || s == os::signal(n);
    }
    if (named && dispositions::can_be_caught(n)) {
      all |= bit(n);
    }
  }
  return all;
}

void relay::notify(const send_chan<os::signal>& ch, numbers wanted) {
  if (wanted == 0) {
    return;
  }
  const std::scoped_lock hold(guard_);
  open();
  auto who = std::find_if(listeners_.begin(), listeners_.end(), [&](const listener& l) { return l.ch == ch; });
  if (who == listeners_.end()) {
    who = listeners_.insert(who, {.ch = ch, .context = 0, .cancel = nullptr, .wanted = 0});
  }
  enable(*who, wanted);
}

std::uint64_t relay::notify(const context::cancel_cause_func& cancel, numbers wanted) {
  const std::scoped_lock hold(guard_);
  open();
  listeners_.push_back({.ch = nullptr, .context = ++contexts_, .cancel = cancel, .wanted = 0});
  enable(listeners_.back(), wanted);
  return contexts_;
}

void relay::open() {
  boost::asio::io_context& context = runtime::io_context();
  if (came_) {
    return;
  }
  const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  boost::system::error_code problem(fd < 0 ? errno : 0, boost::system::system_category());
  if (!problem) {
    came_.emplace(context);
    came_->assign(fd, problem);
  }
  if (problem) {
    came_.reset();
    if (fd >= 0) {
      ::close(fd);
    }
    throw boost::system::system_error(problem, "gossamer: signals");
  }
  dispositions::write_to(fd);
}

void relay::enable(listener& who, numbers wanted) {
  if (caught_ == 0 && wanted != 0) {
    await();
  }
  who.wanted |= wanted;
  for_each(wanted & ~caught_, [this](int n) { signals_.catch_it(n); });
  caught_ |= wanted;
}

// Hands on what has come of these to whoever wants it.
void relay::hand_on(numbers these) noexcept {
  for_each(these, [this](int n) { deliver(n, signals_.take(n)); });
}

// They are not caught any more.
void relay::uncaught(numbers these) noexcept {
  if ((caught_ & these) != 0 && (caught_ & ~these) == 0) {
    ++waits_;
    boost::system::error_code ignored;
    came_->cancel(ignored);
  }
  caught_ &= ~these;
  hand_on(these);
}

void relay::restore(numbers these) noexcept {
  for_each(these, [this](int n) { signals_.restore(n); });
  uncaught(these);
}

void relay::restore_unwanted() noexcept {
  numbers wanted = 0;
  for (const listener& l : listeners_) {
    wanted |= l.leaves ? 0 : l.wanted;
  }
  restore(caught_ & ~wanted);
}

template <class Which>
relay::listeners relay::drop(Which which) noexcept {
  listeners gone;
  const auto who = std::find_if(listeners_.begin(), listeners_.end(), which);
  if (who != listeners_.end()) {
    who->leaves = true;
    restore_unwanted();
    hand_on(who->wanted);
    gone.splice(gone.begin(), listeners_, who);
  }
  return gone;
}

void relay::stop(const send_chan<os::signal>& ch) noexcept {
  listeners gone;
  const std::scoped_lock hold(guard_);
  gone = drop([&](const listener& l) { return l.context == 0 && l.ch == ch; });
}

error relay::stop(std::uint64_t context) {
  listeners gone;
  {
    const std::scoped_lock hold(guard_);
    gone = drop([&](const listener& l) { return l.context == context; });
  }
  return gone.empty() || gone.front().first == 0 ? error() : error(received(os::signal(gone.front().first)));
}

relay::listeners relay::forget(numbers these) noexcept {
  listeners gone;
  for (auto l = listeners_.begin(); l != listeners_.end();) {
    const auto next = std::next(l);
    l->wanted &= ~these;
    if (l->wanted == 0) {
      gone.splice(gone.begin(), listeners_, l);
    }
    l = next;
  }
  return gone;
}

void relay::reset(numbers these) noexcept {
  listeners gone;
  const std::scoped_lock hold(guard_);
  restore(these);
  gone = forget(these);
}

void relay::ignore(numbers these) noexcept {
  listeners gone;
  const std::scoped_lock hold(guard_);
  for_each(these, [this](int n) { signals_.ignore(n); });
  uncaught(these);
  gone = forget(these);
}

void relay::await() {
  came_->async_wait(boost::asio::posix::descriptor_base::wait_read,
                    [this, wait = ++waits_](const boost::system::error_code& /*problem*/) { arrived(wait); });
}

// On a worker's own stack.
void relay::arrived(std::uint64_t wait) {
  const std::scoped_lock hold(guard_);
  if (wait != waits_) {
    return;
  }
  // First: what is counted after that is written again.
  std::uint64_t unused = 0;
  [[maybe_unused]] const ssize_t n = ::read(came_->native_handle(), &unused, sizeof unused);
  hand_on(caught_);
  await();
}

void relay::deliver(int n, std::uint64_t times) noexcept {
  for (; times > 0; --times) {
    for (listener& l : listeners_) {
      if ((l.wanted & bit(n)) == 0) {
        continue;
      }
      if (l.ch) {
        try {
          static_cast<void>(select(send(l.ch, os::signal(n)), otherwise));
        } catch (...) {
          // Closed: fatal, whoever has called.
          detail::start_own_fiber("signal::notify", [p = std::current_exception()] { std::rethrow_exception(p); });
        }
      } else if (auto cancel = std::exchange(l.cancel, nullptr)) {
        l.first = n;
        if (!l.leaves) {
          // A fiber, since a cancellation may have to wait for another one.
          detail::start_own_fiber("signal::notify_context",
                                  [cancel = std::move(cancel), n] { cancel(received(os::signal(n))); });
        }
      }
    }
  }
}

}  // namespace gossamer::inline v0::signal
