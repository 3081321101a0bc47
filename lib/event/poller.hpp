// poller: what the kernel has to tell of file descriptors, and Boost.Asio's io_context.
//
// The runtime knows four calls: add, remove, poll, interrupt. One idle worker at a time holds the poller role (it is
// the one that has the watch, see sched/idle_set.hpp) and blocks in poll(); busy workers ask it now and then without
// blocking. What it finds it hands back as a list of claimed fibers; it never calls the scheduler.
//
// The role is held by one at a time, and has an epoch: another may take it from a holder that is in a handler and does
// not return; that one then neither waits any more nor gives up what is not its own.
//
// How the kernel is asked is the matter of a backend, which is chosen when it is first needed (backend.hpp). Once Asio
// is in use blocking is blocking in the shared io_context: handlers of whatever else lives there are run by the worker
// that polls, on its own stack. Nothing is opened before it is needed: a program without descriptors and without Asio
// sleeps on futexes.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "event/backend.hpp"
#include "event/descriptor.hpp"
#include "event/descriptor_pool.hpp"
#include "event/foreign_set.hpp"
#include "fiber/fiber_list.hpp"
#include "gossamer/detail/deadline.hpp"

namespace gossamer::inline v0::event {

class poller {
 public:
  constexpr poller() noexcept = default;

  // Watches fd (which must not block) until remove(). Null, and the errno in `problem`, where the kernel refuses it or
  // there is no memory. From anywhere.
  descriptor* add(int fd, int& problem) noexcept;
  // Watches it no longer; then the caller may close the file descriptor, whose number nobody else has been given
  // meanwhile. Who waits on it is handed back, claimed: the caller makes them ready.
  void remove(descriptor& d, fiber_list& woken) noexcept;
  // The same in two steps. From forget() on nothing is reported of it; unless `at_once` the caller closes the file
  // descriptor, which spares the kernel a call, and a poll may keep the file alive for a moment after that. With
  // give_back() the descriptor, on which nobody waits, is not the caller's any more.
  void forget(descriptor& d, bool at_once) noexcept;
  void give_back(descriptor& d) noexcept { descriptors_.give(&d); }
  // Descriptors that belong to others. Null, and the errno in `problem`, where the kernel refuses; and 0 where the
  // backend has no such set: then who waits adds a copy of the file descriptor. From anywhere.
  foreign_set* foreign(int& problem) noexcept;
  // The number has been closed by us: who waits for it as for one of others is told that it has gone.
  void end_foreign(int number, fiber_list& woken) noexcept;
  // Before that close: what the waits have done with the number comes before it.
  void begin_foreign_close(int number) noexcept;
  // Under the guard, by who finds `way` of d not ready, and is going to wait.
  void expect(descriptor& d, descriptor::direction& way) noexcept {
    if (!way.armed) {
      backend_.load(std::memory_order_relaxed)->arm(d, way);  // relaxed: d has come from it
    }
  }
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
  bool in_use() const noexcept { return backend_.load(std::memory_order_acquire) != nullptr; }
  // Whether handlers may run. relaxed: a hint for the rate at which busy workers ask.
  bool asio_in_use() const noexcept { return asio_in_use_.load(std::memory_order_relaxed); }
  // The descriptors alone, as far as that can be done without waiting and without running handlers. By any thread.
  void poll_descriptors(fiber_list& ready) noexcept { system().poll_descriptors(ready); }
  // Whether anything may still come: somebody waits on a descriptor, or Asio has work. Runs handlers that are ready.
  // By the worker that has the poller role.
  bool expects_something() noexcept;

  // Makes it where it is not there yet. Throws boost::system::system_error where the kernel refuses.
  boost::asio::io_context& io_context();

 private:
  int open() noexcept;
  // Once it is in use.
  backend& system() noexcept {
    backend* const b = backend_.load(std::memory_order_acquire);  // acquire: as in in_use()
    detail::sanitizer_acquire(&backend_);
    return *b;
  }

  // Null where it is not open yet, or there is none.
  foreign_set* known_foreign() noexcept {
    foreign_set* const all = foreign_.load(std::memory_order_acquire);  // acquire: pairs with the store in foreign()
    if (all != nullptr) {
      detail::sanitizer_acquire(&foreign_);
    }
    return all;
  }

  std::atomic<backend*> backend_{nullptr};
  std::atomic<bool> asio_in_use_{false};
  std::atomic<foreign_set*> foreign_{nullptr};
  std::atomic<epoch> role_{0};  // odd while somebody has it
  descriptor_pool descriptors_;
  std::mutex setup_;  // of what is made only once
};

extern poller the_poller;

}  // namespace gossamer::inline v0::event
