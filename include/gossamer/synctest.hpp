// synctest: tests of concurrent code on a clock that they control. Source: Go 1.27's testing/synctest.
//
//   synctest::test([] {
//     const auto [ctx, cancel] = context::with_timeout(context::background(), 5s);
//     time::sleep(5s - 1ns);                            // takes no time
//     synctest::wait();
//     CHECK(ctx.err() == nil);
//     synctest::sleep(1ns);
//     CHECK(ctx.err() == context::deadline_exceeded);
//   });
//
// The function runs in a fiber of its own, in a bubble: it, and all fibers that it and they spawn. A bubble has a clock
// of its own, which begins at midnight UTC of 1 January 2000: time::now(), sleeps, timers, tickers, deadlines of
// contexts and of every wait::limit, of net::pipe and io::pipe, and rate limiters go by it. (As a time_point it is
// 946,684,800 s; std::chrono's own clocks know nothing of it.) The clock stands still while any fiber of the bubble can
// run, and moves on to the next timer when all of them are durably blocked: so that nobody but another fiber of the
// bubble, or its clock, can unblock them. Durably block:
//   - a send, receive or select on channels that were made in the bubble, or are nil; a select without cases
//   - sync::cond::wait, and sync::wait_group::wait where add() was called in the bubble
//   - time::sleep, and reads and writes of a net::pipe or io::pipe that was made in the bubble
//   - each of them with a time limit, or with a stop of a context or channel that was made in the bubble
// All else does not: mutexes, once, I/O, blocking calls, channels from outside. Deadlines of sockets and files are the
// machine's: a time_point of the bubble is as far from now there as it is here. A limit of a wait that is not durable
// does not come while it waits, for the clock stands still; one that has come already ends it at once.
//
// A bubble's fibers run on the workers as all others do, several at once; several bubbles may be at work at once.
//
// What ends the process, with Go's text: the use of a channel or timer of a bubble from outside it (`send on synctest
// channel from outside bubble`), a cond's signal from outside to who waits in one, and a wait_group to which fibers in
// and outside a bubble add at once. So what the whole program shares and what keeps fibers, channels or timers is not
// for bubbles: http::default_client, for one. A test makes its own.
#pragma once

#include <source_location>
#include <type_traits>
#include <utility>

#include "detail/chrono.hpp"
#include "detail/config.hpp"
#include "detail/function.hpp"
#include "detail/misuse.hpp"
#include "error.hpp"
#include "errors.hpp"
#include "time.hpp"

namespace gossamer::inline v0 {

namespace detail {

GOSSAMER_API void synctest_run(function<void> f, std::source_location where);

}  // namespace detail

namespace synctest {

// Calls f() in a new bubble, and returns when f and all other fibers of the bubble have ended; what f captured has been
// destroyed by then. Timers that are still to come when f has returned do not come any more, and their functions have
// been destroyed, too. An exception that leaves f is thrown here, once all have ended; one that leaves another fiber
// ends the process, as always. From a fiber, or a plain thread, which starts the runtime as go() does: so it is one
// line in a test case of any framework.
//
// Panics where the bubble can never go on, after a dump of its fibers on stderr, with the text `deadlock: all
// goroutines in bubble are blocked`, or `deadlock: main bubble goroutine has exited but blocked goroutines remain`: as
// in Go the clock does not move on once f has returned. The fibers stay as they are, and keep what they have: what f
// refers to by reference should outlive them. Panics with `synctest.Run called from within a synctest bubble` there.
// Throws std::bad_alloc.
template <class F>
  requires std::is_invocable_v<std::decay_t<F>&>
void test(F&& f, std::source_location where = std::source_location::current()) {
  detail::synctest_run(detail::function<void>(std::forward<F>(f)), where);
}
// Does not fit.
template <class F>
  requires(!std::is_invocable_v<std::decay_t<F>&>)
void test(F&&) {
  detail::check_called<F>();
}

// Returns when all other fibers of the caller's bubble are durably blocked, or have ended: whatever they did before
// happens-before that. Timers that are due have fired; the clock does not move on. Panics outside a bubble with
// `goroutine is not in a bubble`, and with `wait already in progress` while another fiber of it waits.
GOSSAMER_API void wait(std::source_location where = std::source_location::current());

// time::sleep(d), and then wait(): whoever was to do something by that time has done it. Panics outside a bubble.
template <class Rep, class Period>
void sleep(std::chrono::duration<Rep, Period> d, std::source_location where = std::source_location::current()) {
  time::sleep(d, where);
  synctest::wait(where);
}

// Whether the caller is in a bubble.
GOSSAMER_API bool is_in_bubble() noexcept;

}  // namespace synctest

}  // namespace gossamer::inline v0
