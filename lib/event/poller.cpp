// poller: see poller.hpp.
#include "event/poller.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>

#include "event/asio_part.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::event {

constinit poller the_poller;

namespace {

// What the kernel hands back: a descriptor's index and sequence number, or one of these.
constexpr std::uint64_t of_ourselves = ~std::uint64_t{0};

std::uint64_t tag_of(const descriptor& d) noexcept { return std::uint64_t{d.sequence} << 32 | d.index; }

int watch(int set, int fd, std::uint32_t events, std::uint64_t tag) noexcept {
  epoll_event e{};
  e.events = events;
  e.data.u64 = tag;
  return ::epoll_ctl(set, EPOLL_CTL_ADD, fd, &e) == 0 ? 0 : errno;
}

// Everybody who waits: each tries for itself, and waits again if another was faster.
void wake_all(descriptor::direction& way, fiber_list& woken) noexcept {
  way.ready = true;
  claim_all(way.waiters, woken);
}

}  // namespace

// 0, or the errno with which the kernel refuses.
int poller::open() noexcept {
  const std::scoped_lock hold(setup_);
  if (in_use()) {
    detail::sanitizer_acquire(&epoll_);
    return 0;
  }
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  const int interrupts = set >= 0 ? ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) : -1;
  const int alarm = interrupts >= 0 ? ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC) : -1;
  int problem = alarm >= 0 ? 0 : errno;
  if (problem == 0) {
    problem = watch(set, interrupts, EPOLLIN, of_ourselves);
  }
  if (problem == 0) {
    problem = watch(set, alarm, EPOLLIN, of_ourselves);
  }
  if (problem != 0) {
    for (const int fd : {set, interrupts, alarm}) {
      if (fd >= 0) {
        ::close(fd);
      }
    }
    return problem;
  }
  interrupts_ = interrupts;
  alarm_ = alarm;
  detail::sanitizer_release(&epoll_);
  epoll_.store(set);  // seq_cst: see in_use(); publishes the others
  return 0;
}

asio_part* poller::asio() noexcept {
  asio_part* const part = asio_.load();
  if (part != nullptr) {
    detail::sanitizer_acquire(&asio_);
  }
  return part;
}

boost::asio::io_context& poller::io_context() {
  if (const int problem = open(); problem != 0) {
    throw boost::system::system_error(problem, boost::system::system_category(), "gossamer: epoll");
  }
  const std::scoped_lock hold(setup_);
  asio_part* part = asio();
  if (part == nullptr) {
    part = new asio_part(epoll_.load());
    detail::sanitizer_release(&asio_);
    asio_.store(part);
  }
  return part->context();
}

descriptor* poller::add(int fd, int& problem) noexcept {
  problem = open();
  if (problem != 0) {
    return nullptr;
  }
  descriptor* const d = descriptors_.take();
  if (d == nullptr) {
    problem = ENOMEM;
    return nullptr;
  }
  std::uint64_t tag = 0;
  {
    const std::scoped_lock hold(d->guard);
    d->fd = fd;
    d->hung_up = false;
    d->in.ready = d->out.ready = true;
    tag = tag_of(*d);
  }
  problem = watch(epoll_.load(), fd, EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET, tag);
  if (problem != 0) {
    fiber_list nobody;
    remove(*d, nobody);
    return nullptr;
  }
  return d;
}

void poller::remove(descriptor& d, fiber_list& woken) noexcept {
  forget(d, true);
  {
    const std::scoped_lock hold(d.guard);
    wake_all(d.in, woken);
    wake_all(d.out, woken);
  }
  give_back(d);
}

void poller::forget(descriptor& d, bool stays_open) noexcept {
  const std::scoped_lock hold(d.guard);
  if (stays_open) {
    epoll_event unused{};
    ::epoll_ctl(epoll_.load(), EPOLL_CTL_DEL, d.fd, &unused);
  }
  d.fd = -1;
  ++d.sequence;
}

// acquire: the last holder has given back what it had of Asio's.
bool poller::take_role(epoch& mine) noexcept {
  epoch free = role_.load(std::memory_order_relaxed);
  if (free % 2 != 0 || !role_.compare_exchange_strong(free, free + 1)) {  // seq_cst: see calm()
    return false;
  }
  mine = free + 1;
  return true;
}

void poller::give_up_role(epoch mine) noexcept { role_.compare_exchange_strong(mine, mine + 1); }

void poller::take_role_away() noexcept {
  epoch held = role_.load();
  if (held % 2 != 0) {
    role_.compare_exchange_strong(held, held + 1);
  }
}

void poller::wait(epoch mine, detail::deadline until, fiber_list& ready) noexcept {
  asio_part* const asio = this->asio();
  if (asio == nullptr) {
    if (look_at_set(until, ready)) {
      calm(mine);
    }
    return;
  }
  set_alarm(until);
  if (asio->run(true)) {
    if (look_at_set(0, ready)) {
      calm(mine);
    }
    asio->arm();
  }
}

void poller::poll(fiber_list& ready) noexcept {
  asio_part* const asio = this->asio();
  if (asio == nullptr) {
    look_at_set(0, ready);
  } else if (asio->run(false)) {
    look_at_set(0, ready);
    asio->arm();  // what is left in the set is reported again, to whoever waits
  }
}

// An alarm that is set already stays.
void poller::set_alarm(detail::deadline at) noexcept {
  detail::sanitizer_acquire(&epoll_);
  if (at == alarm_at_.exchange(at, std::memory_order_relaxed)) {
    return;
  }
  itimerspec t{};
  if (at != detail::no_deadline) {
    t.it_value.tv_sec = at / 1'000'000'000;
    t.it_value.tv_nsec = at % 1'000'000'000;
  }
  ::timerfd_settime(alarm_, TFD_TIMER_ABSTIME, &t, nullptr);
}

// The holder has seen the interrupt and the alarm. If another is the holder by now they may have been meant for that
// one: whoever interrupts it does so after it took the role, so that is seen here.
void poller::calm(epoch mine) noexcept {
  if (role_.load() != mine) {
    return;
  }
  std::uint64_t unused = 0;
  [[maybe_unused]] ssize_t n = ::read(interrupts_, &unused, sizeof unused);
  n = ::read(alarm_, &unused, sizeof unused);
  alarm_at_.store(detail::no_deadline, std::memory_order_relaxed);
  if (role_.load() != mine) {
    interrupt();
  }
}

int poller::ask_kernel(detail::deadline until, epoll_event* events, int most) noexcept {
  static std::atomic<bool> no_pwait2{false};
  const int set = epoll_.load();
  if (until <= 0 || until == detail::no_deadline) {
    return ::epoll_wait(set, events, most, until <= 0 ? 0 : -1);
  }
  if (!no_pwait2.load(std::memory_order_relaxed)) {
    const detail::deadline left = std::max<detail::deadline>(until - detail::now(), 0);
    timespec t{};
    t.tv_sec = left / 1'000'000'000;
    t.tv_nsec = left % 1'000'000'000;
    const long n = ::syscall(SYS_epoll_pwait2, set, events, most, &t, nullptr, std::size_t{0});
    if (n >= 0 || errno != ENOSYS) {
      return static_cast<int>(n);
    }
    no_pwait2.store(true, std::memory_order_relaxed);
  }
  set_alarm(until);
  return ::epoll_wait(set, events, most, -1);
}

// True if the interrupt or the alarm was among what it found.
bool poller::look_at_set(detail::deadline until, fiber_list& ready) noexcept {
  detail::sanitizer_acquire(&epoll_);
  std::array<epoll_event, 128> events;
  const int n = ask_kernel(until, events.data(), static_cast<int>(events.size()));
  bool for_us = false;
  for (int i = 0; i < n; ++i) {
    const epoll_event& e = events[static_cast<std::size_t>(i)];
    if (e.data.u64 == of_ourselves) {
      for_us = true;
    } else {
      report(e.data.u64, e.events, ready);
    }
  }
  return for_us;
}

void poller::report(std::uint64_t tag, std::uint32_t events, fiber_list& ready) noexcept {
  descriptor& d = descriptors_.at(static_cast<std::uint32_t>(tag));
  const std::scoped_lock hold(d.guard);
  if (tag != tag_of(d)) {
    return;  // it has been removed since
  }
  constexpr std::uint32_t always = EPOLLERR | EPOLLHUP;
  d.hung_up = d.hung_up || (events & (EPOLLRDHUP | EPOLLPRI | always)) != 0;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLPRI | always)) != 0) {
    wake_all(d.in, ready);
  }
  if ((events & (EPOLLOUT | always)) != 0) {
    wake_all(d.out, ready);
  }
}

void poller::interrupt() noexcept {
  detail::sanitizer_acquire(&epoll_);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(interrupts_, &one, sizeof one);
}

bool poller::expects_something() noexcept {
  if (!in_use()) {
    return false;
  }
  asio_part* const asio = this->asio();
  return (asio != nullptr && asio->has_work()) || descriptors_.anybody_waits();
}

}  // namespace gossamer::inline v0::event
