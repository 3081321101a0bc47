// epoll_backend: see epoll_backend.hpp.
#include "event/epoll_backend.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <new>

#include "event/asio_part.hpp"

namespace gossamer::inline v0::event {

namespace {

// What the kernel hands back: a descriptor's tag, whose index is below, or one of these.
constexpr std::uint64_t of_ourselves = ~std::uint64_t{0};
constexpr std::uint64_t of_foreign = of_ourselves - 1;

int add_to(int set, int fd, std::uint32_t events, std::uint64_t tag) noexcept {
  epoll_event e{};
  e.events = events;
  e.data.u64 = tag;
  return ::epoll_ctl(set, EPOLL_CTL_ADD, fd, &e) == 0 ? 0 : errno;
}

}  // namespace

epoll_backend* epoll_backend::open(descriptor_pool& descriptors, int& problem) noexcept {
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  const int interrupts = set >= 0 ? ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) : -1;
  const int alarm = interrupts >= 0 ? ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC) : -1;
  problem = alarm >= 0 ? 0 : errno;
  if (problem == 0) {
    problem = add_to(set, interrupts, EPOLLIN, of_ourselves);
  }
  if (problem == 0) {
    problem = add_to(set, alarm, EPOLLIN, of_ourselves);
  }
  epoll_backend* const made =
      problem == 0 ? new (std::nothrow) epoll_backend(descriptors, set, interrupts, alarm) : nullptr;
  if (made == nullptr) {
    problem = problem != 0 ? problem : ENOMEM;
    for (const int fd : {set, interrupts, alarm}) {
      if (fd >= 0) {
        ::close(fd);
      }
    }
  }
  return made;
}

asio_part* epoll_backend::asio() noexcept {
  // acquire: pairs with the release in io_context().
  asio_part* const part = asio_.load(std::memory_order_acquire);
  if (part != nullptr) {
    detail::sanitizer_acquire(&asio_);
  }
  return part;
}

boost::asio::io_context& epoll_backend::io_context() {
  asio_part* part = asio();
  if (part == nullptr) {
    part = new asio_part(set_);
    detail::sanitizer_release(&asio_);
    asio_.store(part, std::memory_order_release);
  }
  return part->context();
}

foreign_set* epoll_backend::open_foreign(int& problem) noexcept {
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  problem = set >= 0 ? 0 : errno;
  foreign_set* const made = set >= 0 ? new (std::nothrow) foreign_set(descriptors_, set) : nullptr;
  if (made == nullptr) {
    problem = problem != 0 ? problem : ENOMEM;
  } else {
    detail::sanitizer_release(&foreign_);
    foreign_.store(made, std::memory_order_release);  // before the first event
    problem = add_to(set_, set, EPOLLIN, of_foreign);
  }
  if (problem != 0) {
    foreign_.store(nullptr, std::memory_order_relaxed);  // relaxed: nobody has looked for it
    delete made;
    if (set >= 0) {
      ::close(set);
    }
    return nullptr;
  }
  return made;
}

int epoll_backend::watch(descriptor& d) noexcept {
  return add_to(set_, d.fd, EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET, d.tag());
}

// A number that is closed leaves the set by itself.
void epoll_backend::forget(descriptor& d, bool at_once) noexcept {
  if (at_once) {
    epoll_event unused{};
    ::epoll_ctl(set_, EPOLL_CTL_DEL, d.fd, &unused);
  }
}

// Each way is, for as long as the descriptor is watched.
void epoll_backend::arm(descriptor& /*d*/, descriptor::direction& way) noexcept { way.armed = true; }

bool epoll_backend::wait(detail::deadline until, fiber_list& ready) noexcept {
  asio_part* const asio = this->asio();
  if (asio == nullptr) {
    return look_at_set(until, ready);
  }
  set_alarm(until);
  if (!asio->run(true)) {
    return false;
  }
  const bool for_us = look_at_set(0, ready);
  asio->arm();
  return for_us;
}

void epoll_backend::poll(fiber_list& ready) noexcept {
  asio_part* const asio = this->asio();
  if (asio == nullptr) {
    look_at_set(0, ready);
  } else if (asio->run(false)) {
    look_at_set(0, ready);
    asio->arm();  // what is left in the set is reported again, to whoever waits
  }
}

void epoll_backend::poll_descriptors(fiber_list& ready) noexcept { look_at_set(0, ready); }

// An alarm that is set already stays.
void epoll_backend::set_alarm(detail::deadline at) noexcept {
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

void epoll_backend::calm() noexcept {
  std::uint64_t unused = 0;
  [[maybe_unused]] ssize_t n = ::read(interrupts_, &unused, sizeof unused);
  n = ::read(alarm_, &unused, sizeof unused);
  alarm_at_.store(detail::no_deadline, std::memory_order_relaxed);
}

int epoll_backend::ask_kernel(detail::deadline until, epoll_event* events, int most) noexcept {
  static std::atomic<bool> no_pwait2{false};
  if (until <= 0 || until == detail::no_deadline) {
    return ::epoll_wait(set_, events, most, until <= 0 ? 0 : -1);
  }
  if (!no_pwait2.load(std::memory_order_relaxed)) {
    const detail::deadline left = std::max<detail::deadline>(until - detail::now(), 0);
    timespec t{};
    t.tv_sec = left / 1'000'000'000;
    t.tv_nsec = left % 1'000'000'000;
    const long n = ::syscall(SYS_epoll_pwait2, set_, events, most, &t, nullptr, std::size_t{0});
    if (n >= 0 || errno != ENOSYS) {
      return static_cast<int>(n);
    }
    no_pwait2.store(true, std::memory_order_relaxed);
  }
  set_alarm(until);
  return ::epoll_wait(set_, events, most, -1);
}

// True if the interrupt or the alarm was among what it found.
bool epoll_backend::look_at_set(detail::deadline until, fiber_list& ready) noexcept {
  std::array<epoll_event, 128> events;
  const int n = ask_kernel(until, events.data(), static_cast<int>(events.size()));
  bool for_us = false;
  for (int i = 0; i < n; ++i) {
    const epoll_event& e = events[static_cast<std::size_t>(i)];
    if (e.data.u64 == of_ourselves) {
      for_us = true;
    } else if (e.data.u64 == of_foreign) {
      // acquire: pairs with the release in open_foreign().
      foreign_set* const foreign = foreign_.load(std::memory_order_acquire);
      detail::sanitizer_acquire(&foreign_);
      foreign->poll(ready);
    } else {
      report(e.data.u64, e.events, ready);
    }
  }
  return for_us;
}

void epoll_backend::report(std::uint64_t tag, std::uint32_t events, fiber_list& ready) noexcept {
  descriptor& d = descriptors_.at(static_cast<std::uint32_t>(tag));
  const std::scoped_lock hold(d.guard);
  if (tag != d.tag()) {
    return;  // it has been removed since
  }
  constexpr std::uint32_t always = EPOLLERR | EPOLLHUP;
  d.hung_up = d.hung_up || (events & (EPOLLRDHUP | EPOLLPRI | always)) != 0;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLPRI | always)) != 0) {
    d.become_ready(d.in, ready);
  }
  if ((events & (EPOLLOUT | always)) != 0) {
    d.become_ready(d.out, ready);
  }
}

void epoll_backend::interrupt() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(interrupts_, &one, sizeof one);
}

bool epoll_backend::has_work() noexcept {
  asio_part* const asio = this->asio();
  return asio != nullptr && asio->has_work();
}

}  // namespace gossamer::inline v0::event
