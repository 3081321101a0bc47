// poller: see poller.hpp.
#include "event/poller.hpp"

#include <boost/asio/io_context.hpp>
#include <cassert>
#include <cerrno>

#include "base/knob.hpp"
#include "event/asio_backend.hpp"
#include "event/epoll_backend.hpp"

namespace gossamer::inline v0::event {

constinit poller the_poller;

// 0, or the errno with which the kernel refuses.
int poller::open() noexcept {
  const std::scoped_lock hold(setup_);
  int problem = 0;
  if (in_use()) {
    return problem;
  }
  const bool asio = base::the_knob().poller == base::poller_kind::asio;
  backend* const made = asio ? static_cast<backend*>(asio_backend::open(descriptors_, problem))
                             : epoll_backend::open(descriptors_, problem);
  if (made != nullptr) {
    asio_in_use_.store(asio, std::memory_order_relaxed);
    detail::sanitizer_release(&backend_);
    backend_.store(made);  // seq_cst: see in_use()
  }
  return problem;
}

boost::asio::io_context& poller::io_context() {
  if (const int problem = open(); problem != 0) {
    throw boost::system::system_error(problem, boost::system::system_category(), "gossamer: the poller");
  }
  const std::scoped_lock hold(setup_);
  boost::asio::io_context& context = system().io_context();
  asio_in_use_.store(true);
  return context;
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
  {
    const std::scoped_lock hold(d->guard);
    assert(d->fd == -1);
    d->check_invariants();
    d->fd = fd;
    d->hung_up = d->joint = false;
    d->in.ready = d->out.ready = true;
  }
  problem = system().watch(*d);
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
    d.become_ready(d.in, woken);
    d.become_ready(d.out, woken);
    d.check_invariants();
  }
  give_back(d);
}

void poller::forget(descriptor& d, bool at_once) noexcept {
  const std::scoped_lock hold(d.guard);
  system().forget(d, at_once);
  d.fd = -1;
  ++d.sequence;
}

foreign_set* poller::foreign(int& problem) noexcept {
  problem = open();
  if (problem != 0) {
    return nullptr;
  }
  foreign_set* known = known_foreign();
  if (known == nullptr) {
    const std::scoped_lock hold(setup_);
    known = foreign_.load(std::memory_order_relaxed);  // relaxed: under the lock
    if (known == nullptr) {
      known = system().open_foreign(problem);
      detail::sanitizer_release(&foreign_);
      foreign_.store(known, std::memory_order_release);
    }
  }
  return known;
}

void poller::begin_foreign_close(int number) noexcept {
  foreign_set* const all = known_foreign();
  if (descriptor* const d = all != nullptr ? all->known(number) : nullptr) {
    const std::scoped_lock hold(d->guard);
  }
}

void poller::end_foreign(int number, fiber_list& woken) noexcept {
  foreign_set* const all = known_foreign();
  descriptor* const d = all != nullptr ? all->known(number) : nullptr;
  if (d != nullptr) {
    all->look_again(*d, woken);
  }
}

// acquire: the last holder has given back what it had of Asio's.
bool poller::take_role(epoch& mine) noexcept {
  epoch free = role_.load(std::memory_order_relaxed);
  if (free % 2 != 0 || !role_.compare_exchange_strong(free, free + 1)) {  // seq_cst: see wait()
    return false;
  }
  mine = free + 1;
  return true;
}

void poller::give_up_role(epoch mine) noexcept {
  assert(mine % 2 != 0);
  role_.compare_exchange_strong(mine, mine + 1);
}

void poller::take_role_away() noexcept {
  epoch held = role_.load();
  if (held % 2 != 0) {
    role_.compare_exchange_strong(held, held + 1);
  }
}

// If another is the holder by now what has come may have been meant for that one: whoever interrupts it does so after
// it took the role, so that is seen here.
void poller::wait(epoch mine, detail::deadline until, fiber_list& ready) noexcept {
  assert(mine % 2 != 0);
  backend& b = system();
  if (!b.wait(until, ready)) {
    return;
  }
  if (role_.load() == mine) {
    b.calm();
  }
  if (role_.load() != mine) {
    b.interrupt();
  }
}

void poller::poll(fiber_list& ready) noexcept { system().poll(ready); }

void poller::interrupt() noexcept { system().interrupt(); }

bool poller::expects_something() noexcept { return in_use() && (descriptors_.anybody_waits() || system().has_work()); }

}  // namespace gossamer::inline v0::event
