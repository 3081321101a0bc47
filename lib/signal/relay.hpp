// relay: who is notified of which signal, and what the process does with each.
//
// Asio's signal_set overwrites whatever handler there is when it is given a signal, and sets the default when it loses
// it; it knows nothing of what was before, and restarts no system call that its handler has interrupted. So what was
// there is noted first, the flags are completed, and a second set, on which nobody waits, keeps a signal whose handler
// is to come back: then Asio never sets the default, not even for the moment in which the process might die of it.
//
// Nor does it forget what lies in its pipe when a signal is given back. So our handler, which passes on to Asio's,
// counts: what is in the pipe only says that it is time to look at the count.
//
// A signal is lost at no moment. Whether it is caught and how many have come is one word: who gives it back restores
// first what was there before, then takes the word, and those that it counts go to who leaves. A handler that runs only
// then, since the kernel had chosen it before, finds that nobody counts, and sends the signal to its thread once more.
#pragma once

#include <signal.h>

#include <array>
#include <boost/asio/signal_set.hpp>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <span>

#include "gossamer/chan.hpp"
#include "gossamer/context.hpp"
#include "gossamer/error.hpp"
#include "gossamer/os.hpp"

namespace gossamer::inline v0::signal {

class relay {
 public:
  static constexpr int most = 64;
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

  enum class fate : std::uint8_t { untouched, caught, ignored };
  struct known {
    fate now = fate::untouched;
    bool kept = false;          // in keeper_
    struct sigaction before{};  // unless untouched
    // Once it has been caught:
    struct sigaction ours{};
    void (*asios)(int) = nullptr;
    bool known_to_others = false;   // our handler: a later one of the program's may call it
    std::uint64_t left_behind = 0;  // that may be in Asio's pipe, though they have been handed on
  };

  relay() = default;

  // Under guard_. What they hand back is destroyed after it has been released: code of a user may hang on it.
  void enable(listener& who, numbers wanted);
  void catch_it(int n);
  void let_go(int n, const struct sigaction& next) noexcept;
  void restore(int n) noexcept;
  void hand_on(numbers these) noexcept;
  void restore_unwanted() noexcept;
  [[nodiscard]] listeners drop(listeners::iterator who) noexcept;
  [[nodiscard]] listeners forget(numbers these) noexcept;
  void await();
  bool is_new(int n) noexcept;
  void deliver(int n, std::uint64_t times) noexcept;

  void arrived(int n, std::uint64_t wait);
  known& at(int n) noexcept { return signals_[static_cast<std::size_t>(n - 1)]; }

  std::mutex guard_;
  // Guarded by guard_. While it is free a signal is caught if and only if a listener wants it, and it is not ignored;
  // and waiting_ if any is.
  std::optional<boost::asio::signal_set> set_;     // what is caught
  std::optional<boost::asio::signal_set> keeper_;  // what Asio may not set to its default
  listeners listeners_;
  std::array<known, most> signals_;
  bool waiting_ = false;
  std::uint64_t waits_ = 0;  // the number of the latest wait: what an earlier one reports comes too late
  std::uint64_t contexts_ = 0;
};

}  // namespace gossamer::inline v0::signal
