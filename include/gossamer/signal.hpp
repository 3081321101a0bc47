// signal: the process's signals as values on channels, and as the end of a context.
// Source: Go's package os/signal. Differs: the last stop restores whatever was there before the first notify, and what
// was there may be a handler of the program's own.
//
//   auto [ctx, stop] = signal::notify_context(context::background(), os::interrupt, SIGTERM);
//   defer d1{stop};
//   serve(ctx);
//
// A signal is caught while somebody is notified of it; its handler does no more than count it and write to an eventfd,
// and a worker hands it on. While any is caught, fibers that all wait are no deadlock.
//
// Handlers of the program's own: one that was there before the first notify of its signal is replaced, and back after
// the last stop, and at no moment is there the default in between. One that is installed meanwhile takes the signal
// over, and stays; if it goes on to what it has replaced, the signal is sent, too. A boost::asio::signal_set of the
// program's is such a handler: it gets nothing while somebody is notified of a signal that it had before, and takes
// over one that is added to it later; when it loses that, Asio sets the default, whatever was there before.
//
// What cannot be caught is never sent, and it is no error to ask for it: SIGKILL and SIGSTOP; numbers that are no
// signals; those by which the processor reports a fault (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS), whose
// handlers name a fiber's stack overflow; SIGPROF, which belongs to profilers; SIGURG, by which dumps look at fibers
// that run (debug.hpp). A signal reaches the process through a thread that does not block it. The runtime's threads
// block them all; so where the thread that called run(), and all others of the program's, do so too, it stays pending
// and nothing is sent.
//
// A notify outlives run(): until it is stopped its signals are caught, and come when fibers run again.
// All of it may be called from a fiber or a plain thread, from several at once. Lists of signals may be a span, too:
// signal::notify(ch, signals). Throws boost::system::system_error where the kernel has no file descriptor left.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "chan.hpp"
#include "context.hpp"
#include "detail/config.hpp"
#include "os.hpp"

namespace gossamer::inline v0::signal {

// Sends the signals to ch as they come, besides those that it gets already; with none named: all that can be caught.
// Never blocks: what finds ch full (or nobody that receives from it, if it is unbuffered) is dropped, so it should have
// room for as many as may come at once. A signal that comes several times before a worker hands it on may be sent
// once. If ch is closed that is a fatal panic, `send on closed channel`: stop() goes first.
// Panics with `os/signal: Notify using nil channel`.
GOSSAMER_API void notify(const send_chan<os::signal>& ch, std::span<const os::signal> signals);

// Sends none of any signal to ch any more once it has returned. A signal that comes at the same moment is in ch by then
// (if there is room), or does what it did before the first notify(): so who stops may look into ch once more.
GOSSAMER_API void stop(const send_chan<os::signal>& ch);

// Nobody is notified of the signals any more (none named: of any), and what happens to them is what was before the
// first notify() or ignore(). A context of notify_context() waits on for those that are left. What comes at the same
// moment is sent, or does what it did before.
GOSSAMER_API void reset(std::span<const os::signal> signals);

// Nobody is notified of the signals any more, and when they come nothing happens. With none named: of all that can be
// caught. exec(3) keeps that, os::command does not. notify() and reset() end it. What has come before is sent.
GOSSAMER_API void ignore(std::span<const os::signal> signals);

// Whether nothing happens when it comes: by ignore(), or from the start of the program, as by nohup.
GOSSAMER_API bool ignored(os::signal s) noexcept;

class stop_func;

// A child of parent that is cancelled by the first of the signals that comes, by its function, or with its parent. In
// the first case its cause is `terminated signal received` (by the signal's text), which errors::is() takes for
// context::canceled, its err(). From the second signal on they are swallowed until the function is called, which should
// be done as soon as they need not be caught any more.
[[nodiscard]] GOSSAMER_API std::pair<context::context, stop_func> notify_context(const context::context& parent,
                                                                                 std::span<const os::signal> signals);

// What notify_context() returns: cancels the context, and notifies it no more. A signal that comes at the same moment
// is the cause, or does what it did before. A handle; may be called any number of times. nil panics when it is called.
class GOSSAMER_API stop_func {
 public:
  stop_func() noexcept = default;
  stop_func(std::nullptr_t) noexcept {}
  void operator()() const;
  explicit operator bool() const noexcept { return static_cast<bool>(of_); }

 private:
  friend std::pair<context::context, stop_func> notify_context(const context::context& parent,
                                                               std::span<const os::signal> signals);
  context::context of_;
};

template <std::convertible_to<os::signal>... S>
void notify(const send_chan<os::signal>& ch, S... signals) {
  const std::array<os::signal, sizeof...(S)> all{os::signal(signals)...};
  notify(ch, std::span<const os::signal>(all));
}
template <std::convertible_to<os::signal>... S>
void reset(S... signals) {
  const std::array<os::signal, sizeof...(S)> all{os::signal(signals)...};
  reset(std::span<const os::signal>(all));
}
template <std::convertible_to<os::signal>... S>
void ignore(S... signals) {
  const std::array<os::signal, sizeof...(S)> all{os::signal(signals)...};
  ignore(std::span<const os::signal>(all));
}
template <std::convertible_to<os::signal>... S>
[[nodiscard]] std::pair<context::context, stop_func> notify_context(const context::context& parent, S... signals) {
  const std::array<os::signal, sizeof...(S)> all{os::signal(signals)...};
  return notify_context(parent, std::span<const os::signal>(all));
}

}  // namespace gossamer::inline v0::signal
