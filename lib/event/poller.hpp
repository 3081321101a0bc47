// poller: what the kernel has to tell of file descriptors, and Boost.Asio's io_context.
//
// The runtime knows four calls: add, remove, poll, interrupt. One idle worker at a time holds the poller role (it is
// the one that has the watch, see sched/idle_set.hpp) and blocks in poll(); busy workers ask it now and then without
// blocking. What it finds it hands back as a list of claimed fibers; it never calls the scheduler.
//
// The role is held by one at a time, and has an epoch: another may take it from a holder that is in a handler and does
// not return; that one then neither waits any more nor gives up what is not its own.
//
// Behind it lies one epoll set, edge-triggered for descriptors, with an eventfd for interrupt() and a timerfd for times
// that Asio's whole milliseconds would miss. Both are level-triggered and read only by the one that waits: another that
// merely asks leaves them for it. Once Asio is in use the set is one descriptor of the shared io_context, and blocking
// is blocking there: handlers of whatever else lives on that context are run by the worker that polls, on its own
// stack. Nothing is opened before it is needed: a program without descriptors and without Asio sleeps on futexes.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "event/descriptor.hpp"
#include "event/descriptor_pool.hpp"
#include "fiber/fiber_list.hpp"
#include "gossamer/detail/deadline.hpp"

struct epoll_event;
namespace boost::asio {
class io_context;
}

namespace gossamer::inline v0::event {

class asio_part;

class poller {
 public:
  constexpr poller() noexcept = default;

  // Watches fd (which must not block) until remove(). Null, and the errno in `problem`, where the kernel refuses it or
  // there is no memory. From anywhere.
  descriptor* add(int fd, int& problem) noexcept;
  // Watches it no longer; then the caller may close the file descriptor, whose number nobody else has been given
  // meanwhile. Who waits on it is handed back, claimed: the caller makes them ready.
  void remove(descriptor& d, fiber_list& woken) noexcept;
  // The same in two steps. From forget() on nothing is reported of it; unless it `stays_open` the caller closes the
  // file descriptor, which spares the kernel a call. With give_back() the descriptor, on which nobody waits, is not the
  // caller's any more.
  void forget(descriptor& d, bool stays_open) noexcept;
  void give_back(descriptor& d) noexcept { descriptors_.give(&d); }
  // The role, from take_role() to give_up_role(): false if somebody has it. Whoever has it is the one for whom
  // interrupts are meant.
  using epoch = std::uint64_t;
  bool take_role(epoch& mine) noexcept;
  void give_up_role(epoch mine) noexcept;
  // From a holder who does not return. By the monitor.
  void take_role_away() noexcept;

  // With the role: waits until something is ready, until `until`, or for interrupt(), then reports what is ready.
  // Runs Asio's handlers, which may use the scheduler; an exception that leaves one is a fatal panic. By a worker, on
  // its own stack.
  void wait(epoch mine, detail::deadline until, fiber_list& ready) noexcept;
  // The same without waiting, and without the role. Any number of workers at a time.
  void poll(fiber_list& ready) noexcept;
  // Whoever waits returns soon; if nobody does, the next one does. From anywhere.
  void interrupt() noexcept;

  // False: nothing can ever come of it.
  // acquire: pairs with the store in open().
  bool in_use() const noexcept { return epoll_.load(std::memory_order_acquire) >= 0; }
  // relaxed: a hint for the rate at which busy workers ask.
  bool asio_in_use() const noexcept { return asio_.load(std::memory_order_relaxed) != nullptr; }
  // The descriptors alone, without waiting and without Asio. By any thread.
  void poll_descriptors(fiber_list& ready) noexcept { look_at_set(0, ready); }
  // Whether anything may still come: somebody waits on a descriptor, or Asio has work. Runs handlers that are ready.
  // By the worker that has the poller role.
  bool expects_something() noexcept;

  // Makes it where it is not there yet. Throws boost::system::system_error where the kernel refuses.
  boost::asio::io_context& io_context();

 private:
  int open() noexcept;
  asio_part* asio() noexcept;
  void set_alarm(detail::deadline at) noexcept;
  int ask_kernel(detail::deadline until, epoll_event* events, int most) noexcept;
  bool look_at_set(detail::deadline until, fiber_list& ready) noexcept;
  void report(std::uint64_t tag, std::uint32_t events, fiber_list& ready) noexcept;
  void calm(epoch mine) noexcept;

  std::atomic<int> epoll_{-1};
  std::atomic<asio_part*> asio_{nullptr};
  std::atomic<epoch> role_{0};  // odd while somebody has it
  // The holder's; one that has lost the role may spoil it, and then interrupts.
  std::atomic<detail::deadline> alarm_at_{detail::no_deadline};
  descriptor_pool descriptors_;

  std::mutex setup_;
  // Written under setup_, before epoll_.
  int interrupts_ = -1;
  int alarm_ = -1;
};

extern poller the_poller;

}  // namespace gossamer::inline v0::event
