// relay: who is notified of which signal. A worker hands on what has come, as soon as the handlers' eventfd says that
// something has, or who stops being notified, before they leave. See dispositions.hpp for how a signal gets here.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <span>

#include "gossamer/chan.hpp"
#include "gossamer/context.hpp"
#include "gossamer/error.hpp"
#include "gossamer/os.hpp"
#include "signal/dispositions.hpp"

namespace gossamer::inline v0::signal {

class relay {
 public:
  using numbers = std::uint64_t;  // bit n - 1: signal n

  // There is one, which is never destroyed: fibers may stand still anywhere when the process ends.
  static relay& one();
  // What can be caught of these; of all, if there are none.
  static numbers catchable(std::span<const os::signal> signals) noexcept;

  void notify(const send_chan<os::signal>& ch, numbers wanted);
  void stop(const send_chan<os::signal>& ch) noexcept;
  // The first signal cancels it. Returns what stop() wants.
  std::uint64_t notify(const context::cancel_cause_func& cancel, numbers wanted);
  // Returns the cause with which its caller is to cancel it: a signal that had come, or nil.
  [[nodiscard]] error stop(std::uint64_t context);
  void reset(numbers these) noexcept;
  void ignore(numbers these) noexcept;

 private:
  // A channel, or a context.
  struct listener {
    send_chan<os::signal> ch;
    std::uint64_t context = 0;
    context::cancel_cause_func cancel;  // nil once it has been called
    numbers wanted = 0;
    bool leaves = false;  // it gets what has come, and is then gone
    int first = 0;        // of a context: the signal that has cancelled it, or is to if it leaves; 0: none
  };
  using listeners = std::list<listener>;

  relay() = default;

  // Under guard_. What they hand back is destroyed after it has been released: code of a user may hang on it.
  void open();
  void enable(listener& who, numbers wanted);
  void hand_on(numbers these) noexcept;
  void uncaught(numbers these) noexcept;
  void restore(numbers these) noexcept;
  void restore_unwanted() noexcept;
  template <class Which>
  [[nodiscard]] listeners drop(Which which) noexcept;
  [[nodiscard]] listeners forget(numbers these) noexcept;
  void await();
  void deliver(int n, std::uint64_t times) noexcept;

  void arrived(std::uint64_t wait);

  std::mutex guard_;
  // Guarded by guard_. While it is free a signal is in caught_ if and only if a listener wants it, and a wait for the
  // eventfd is on its way if and only if any is.
  std::optional<boost::asio::posix::stream_descriptor> came_;  // the eventfd
  listeners listeners_;
  dispositions signals_;
  numbers caught_ = 0;
  std::uint64_t waits_ = 0;  // the number of the latest wait: what an earlier one reports comes too late
  std::uint64_t contexts_ = 0;
};

}  // namespace gossamer::inline v0::signal
