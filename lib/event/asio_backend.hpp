// asio_backend: descriptors, the alarm and the interrupt as operations of Boost.Asio on the shared io_context, and
// nothing that Asio does not have everywhere.
//
// A way that somebody is going to wait for is armed: an async_wait is begun, which tells of what is there at that
// moment as well as of what comes. So it ends once for each wait, and one that nobody waits for any more stays for the
// next. What ends finds its descriptor by the sequence number, as events of epoll do. It claims who waits, and that
// lies in `arrived_` until somebody asks: handlers of others run in between, and one of them may not return.
//
// Nothing is waited for by wait_error: what a socket has to say beside its stream (urgent data) would be told again and
// again until it is read. Errors end the other waits, too.
//
// An interrupt is a handler that is posted, the alarm a timer. Whoever runs them, they are meant for the one that
// waits: others hand them on.
#pragma once

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <mutex>

#include "event/backend.hpp"
#include "event/op_room.hpp"
#include "event/shared_context.hpp"
#include "gossamer/detail/spin_lock.hpp"

namespace gossamer::inline v0::event {

class asio_backend final : public backend {
 public:
  // As epoll_backend::open().
  static asio_backend* open(descriptor_pool& descriptors, int& problem) noexcept;

  int watch(descriptor& d) noexcept override;
  void forget(descriptor& d, bool at_once) noexcept override;
  void arm(descriptor& d, descriptor::direction& way) noexcept override;
  bool wait(detail::deadline until, fiber_list& ready) noexcept override;
  void calm() noexcept override {}
  void poll(fiber_list& ready) noexcept override;
  void poll_descriptors(fiber_list& ready) noexcept override { collect(ready); }
  void interrupt() noexcept override;
  bool has_work() noexcept override;
  boost::asio::io_context& io_context() override { return context_.context(); }
  foreign_set* open_foreign(int& problem) noexcept override {
    problem = 0;
    return nullptr;
  }

 private:
  struct wait_ended;
  struct interrupted;

  // Throws boost::system::system_error and std::bad_alloc.
  explicit asio_backend(descriptor_pool& descriptors) : backend(descriptors), alarm_(context_.context()) {}

  void set_alarm(detail::deadline at) noexcept;
  void cancel_all() noexcept;
  void hand_over(fiber_list& woken) noexcept;
  void collect(fiber_list& ready) noexcept;

  shared_context context_;

  std::atomic<bool> interrupting_{false};  // one is on its way
  std::atomic<bool> called_{false};        // the interrupt or the alarm has come, and nobody has taken it
  op_room interrupt_room_;

  std::mutex alarm_guard_;
  // Guarded by alarm_guard_.
  boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                    boost::asio::io_context::executor_type>
      alarm_;
  detail::deadline alarm_at_ = detail::no_deadline;
  unsigned alarm_turn_ = 0;

  std::atomic<bool> any_arrived_{false};
  detail::spin_lock arrived_guard_;
  fiber_list arrived_;  // guarded by arrived_guard_
};

}  // namespace gossamer::inline v0::event
