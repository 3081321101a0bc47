// backend: what the poller asks of the system: to watch descriptors, to wait, and to be interrupted. There are two:
//
//   epoll_backend  an edge-triggered set of our own, which the kernel reports into without being asked again
//   asio_backend   Boost.Asio's async_wait, asked each time that somebody is going to wait: for every system that Asio
//                  knows
//
// Which one, the process decides once (GOSSAMER=poller=asio). A backend only says that a way of a descriptor has become
// ready (descriptor::become_ready); all that comes before and after is the same for both.
#pragma once

#include "event/descriptor.hpp"
#include "event/descriptor_pool.hpp"
#include "event/foreign_set.hpp"
#include "fiber/fiber_list.hpp"
#include "gossamer/detail/deadline.hpp"

namespace boost::asio {
class io_context;
}

namespace gossamer::inline v0::event {

class backend {
 public:
  backend(const backend&) = delete;
  backend& operator=(const backend&) = delete;

  // Begins to report of d.fd. 0, or the errno with which that is refused. Nobody else has d yet.
  virtual int watch(descriptor& d) noexcept = 0;
  // Ends it, under the guard, before the sequence number changes; also after a watch() that failed.
  virtual void forget(descriptor& d, bool at_once) noexcept = 0;
  // Under the guard: once d's `way`, which is not armed, is ready, that is reported.
  virtual void arm(descriptor& d, descriptor::direction& way) noexcept = 0;

  // See poller::wait(). True if an interrupt has come, or the time: if that was meant for the caller, calm() is to
  // follow.
  virtual bool wait(detail::deadline until, fiber_list& ready) noexcept = 0;
  virtual void calm() noexcept = 0;
  virtual void poll(fiber_list& ready) noexcept = 0;
  virtual void poll_descriptors(fiber_list& ready) noexcept = 0;
  virtual void interrupt() noexcept = 0;

  // Whether anything may still come though nobody waits on a descriptor. Runs handlers that are ready.
  virtual bool has_work() noexcept = 0;
  // One call at a time. Throws boost::system::system_error.
  virtual boost::asio::io_context& io_context() = 0;
  // Once, by one. Null where there is none: for good if the problem is 0, else the errno with which the kernel refuses.
  virtual foreign_set* open_foreign(int& problem) noexcept = 0;

 protected:
  explicit backend(descriptor_pool& descriptors) noexcept : descriptors_(descriptors) {}
  ~backend() = default;  // lives as long as the process

  descriptor_pool& descriptors_;
};

}  // namespace gossamer::inline v0::event
