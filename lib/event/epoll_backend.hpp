// epoll_backend: one epoll set, edge-triggered for descriptors, with an eventfd for interrupt() and a timerfd for times
// that Asio's whole milliseconds would miss. Both are level-triggered and read only by the one that waits: another that
// merely asks leaves them for it. Once Asio is in use the set is one descriptor of the shared io_context, and blocking
// is blocking there.
// Source: measured beside six other ways: an event costs no call of its own, and Asio none at all until it is used.
#pragma once

#include <atomic>
#include <cstdint>

#include "event/backend.hpp"

struct epoll_event;

namespace gossamer::inline v0::event {

class asio_part;

class epoll_backend final : public backend {
 public:
  // What it needs is opened here. Null, and the errno in `problem`, where the kernel refuses.
  static epoll_backend* open(descriptor_pool& descriptors, int& problem) noexcept;

  int watch(descriptor& d) noexcept override;
  void forget(descriptor& d, bool at_once) noexcept override;
  void arm(descriptor& d, descriptor::direction& way) noexcept override;
  bool wait(detail::deadline until, fiber_list& ready) noexcept override;
  void calm() noexcept override;
  void poll(fiber_list& ready) noexcept override;
  void poll_descriptors(fiber_list& ready) noexcept override;
  void interrupt() noexcept override;
  bool has_work() noexcept override;
  boost::asio::io_context& io_context() override;
  foreign_set* open_foreign(int& problem) noexcept override;

 private:
  epoll_backend(descriptor_pool& descriptors, int set, int interrupts, int alarm) noexcept
      : backend(descriptors), set_(set), interrupts_(interrupts), alarm_(alarm) {}

  asio_part* asio() noexcept;
  void set_alarm(detail::deadline at) noexcept;
  int ask_kernel(detail::deadline until, epoll_event* events, int most) noexcept;
  bool look_at_set(detail::deadline until, fiber_list& ready) noexcept;
  void report(std::uint64_t tag, std::uint32_t events, fiber_list& ready) noexcept;

  const int set_;
  const int interrupts_;
  const int alarm_;
  std::atomic<asio_part*> asio_{nullptr};
  std::atomic<foreign_set*> foreign_{nullptr};
  // The waiter's; one that has lost the role may spoil it, and then interrupts.
  std::atomic<detail::deadline> alarm_at_{detail::no_deadline};
};

}  // namespace gossamer::inline v0::event
