// Handlers of the program's own beside notify: which of the two has a signal, and when.
#include <signal.h>

#include <atomic>
#include <boost/asio/signal_set.hpp>
#include <thread>

#include "fiber_test.hpp"
#include "gossamer/asio.hpp"
#include "signals.hpp"

using namespace gossamer;
using support::calls;
using support::handler_of;
using support::id;
using support::installed;
using support::raise_now;
using support::scale;
using support::standard;

namespace {

// Asio opens its pipe for the first signal_set of the process: that is nothing that a test leaves behind.
struct first_set {
  boost::asio::io_context context;
  boost::asio::signal_set set{context};
};
[[maybe_unused]] const first_set& pipe_of_asio = *new first_set;

std::atomic<int> own_calls{0};
void own_handler(int) { ++own_calls; }

}  // namespace

FIBER_TEST("a handler of the program's own is back after the last stop") {
  const installed own(SIGUSR1, own_handler);
  own_calls = 0;
  const auto ch = make_chan<os::signal>(1);
  for (int i = 0; i < 3; ++i) {
    signal::notify(ch, SIGUSR1);
    raise_now(SIGUSR1);
    CHECK(*ch == SIGUSR1);
    CHECK(own_calls == i);
    signal::stop(ch);
    CHECK(handler_of(SIGUSR1) == id(own_handler));
    raise_now(SIGUSR1);
    CHECK(own_calls == i + 1);
  }
  signal::ignore(SIGUSR1);
  CHECK(signal::ignored(SIGUSR1));
  signal::reset(SIGUSR1);
  CHECK(handler_of(SIGUSR1) == id(own_handler));
}

FIBER_TEST("a handler that is installed while a signal is caught takes it over, and stays") {
  const auto ch = make_chan<os::signal>(1);
  signal::notify(ch, SIGUSR1);
  {
    const installed own(SIGUSR1, own_handler);
    own_calls = 0;
    raise_now(SIGUSR1);
    CHECK(own_calls == 1);
    signal::stop(ch);
    CHECK(handler_of(SIGUSR1) == id(own_handler));
  }
  CHECK(handler_of(SIGUSR1) != standard);  // `own` put back what it found: ours
  signal::reset(SIGUSR1);
  CHECK(handler_of(SIGUSR1) == standard);
  CHECK(len(ch) == 0);
}

FIBER_TEST("a signal_set of the program's own is replaced by a notify, and gets its signals again after the stop") {
  boost::asio::signal_set set(runtime::io_context(), SIGWINCH);
  const auto theirs = make_chan<int>(1);
  const auto wait = [&] {
    set.async_wait([&](const boost::system::error_code& problem, int n) {
      if (!problem) {
        theirs.send(n);
      }
    });
  };
  wait();
  raise_now(SIGWINCH);
  CHECK(*theirs == SIGWINCH);
  wait();
  const auto ours = make_chan<os::signal>(1);
  for (int i = 0; i < 3; ++i) {
    signal::notify(ours, SIGWINCH);
    raise_now(SIGWINCH);
    CHECK(*ours == SIGWINCH);
    signal::stop(ours);
    CHECK(len(theirs) == 0);
    raise_now(SIGWINCH);
    CHECK(*theirs == SIGWINCH);
    wait();
  }
  set.clear();
  CHECK(handler_of(SIGWINCH) == standard);
}

FIBER_TEST("a signal_set that is given a signal after a notify takes it over, and leaves the default behind") {
  const auto ours = make_chan<os::signal>(1);
  signal::notify(ours, SIGWINCH, SIGUSR2);
  const auto theirs = make_chan<int>(1);
  boost::asio::signal_set set(runtime::io_context(), SIGWINCH);
  set.async_wait([&](const boost::system::error_code& problem, int n) {
    if (!problem) {
      theirs.send(n);
    }
  });
  raise_now(SIGWINCH);
  CHECK(*theirs == SIGWINCH);
  raise_now(SIGUSR2);
  CHECK(*ours == SIGUSR2);
  set.clear();
  CHECK(handler_of(SIGWINCH) == standard);
  signal::notify(ours, SIGWINCH);  // is notified of it already
  CHECK(handler_of(SIGWINCH) == standard);
  signal::stop(ours);
  signal::notify(ours, SIGWINCH);
  raise_now(SIGWINCH);
  CHECK(*ours == SIGWINCH);
  signal::stop(ours);
  CHECK(handler_of(SIGWINCH) == standard);
}

FIBER_TEST("while a handler of the program's own is replaced and back again, the default is never there") {
  const installed own(SIGUSR2, own_handler);
  own_calls = 0;
  std::atomic<bool> over{false};
  std::thread storm([&] {
    while (!over) {
      raise_now(SIGUSR2);  // the default would end the process
    }
  });
  for (int i = 0; i < scale(300) || own_calls == 0; ++i) {
    const auto ch = make_chan<os::signal>(1);
    signal::notify(ch, SIGUSR2);
    signal::stop(ch);
    if (i % 10 == 9) {
      signal::notify(ch, SIGUSR2);
      signal::ignore(SIGUSR2);
      signal::reset(SIGUSR2);
    }
    runtime::gosched();
  }
  over = true;
  runtime::blocking([&] { storm.join(); });
  CHECK(handler_of(SIGUSR2) == id(own_handler));
}

namespace {

struct sigaction replaced_by_next{};

// As programs do that only want to look: goes on to what it has replaced.
void goes_on(int n, siginfo_t* info, void* at) {
  if (++own_calls < 100) {  // for a signal that would come again for ever
    replaced_by_next.sa_sigaction(n, info, at);
  }
}

}  // namespace

FIBER_TEST("a handler that goes on to the library's runs once for each signal, after the last stop too") {
  const struct sigaction next = calls(goes_on);
  const installed own(SIGUSR1, calls(own_handler));
  const auto ch = make_chan<os::signal>(4);
  signal::notify(ch, SIGUSR1);
  signal::stop(ch);
  ::sigaction(SIGUSR1, &next, &replaced_by_next);  // there first, and goes on to the program's other one
  own_calls = 0;
  raise_now(SIGUSR1);
  CHECK(own_calls == 2);
  for (int i = 0; i < 3; ++i) {
    signal::notify(ch, SIGUSR1);
    own_calls = 0;
    raise_now(SIGUSR1);
    CHECK(*ch == SIGUSR1);
    CHECK(own_calls == 0);
    ::sigaction(SIGUSR1, &next, &replaced_by_next);
    raise_now(SIGUSR1);
    CHECK(*ch == SIGUSR1);
    CHECK(own_calls == 1);
    signal::stop(ch);
    raise_now(SIGUSR1);
    CHECK(own_calls == 2);
    CHECK(len(ch) == 0);
  }
}
