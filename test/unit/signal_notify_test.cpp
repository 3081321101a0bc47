// signal::notify and its kin: SI1 to SI3, and ignored signals. os::signal.
#include <signal.h>

#include <atomic>
#include <thread>
#include <vector>

#include "fiber_test.hpp"
#include "signals.hpp"

using namespace gossamer;
using support::eventually;
using support::handler_of;
using support::installed;
using support::panic_of;
using support::raise_now;
using support::scale;
using support::standard;

PLAIN_TEST("a signal is a value: by its number, comparable, with Go's text") {
  CHECK(os::signal(SIGTERM) == SIGTERM);
  CHECK(os::interrupt == SIGINT);
  CHECK(os::kill == SIGKILL);
  CHECK(os::signal(SIGHUP) < os::interrupt);
  CHECK(os::signal(SIGTERM).number() == SIGTERM);
  CHECK(os::signal(SIGTERM).text() == "terminated");
  CHECK(os::interrupt.text() == "interrupt");
  CHECK(os::signal(SIGHUP).text() == "hangup");
  CHECK(os::signal(SIGCHLD).text() == "child exited");
  CHECK(os::signal(SIGTTIN).text() == "stopped (tty input)");
  CHECK(os::signal(35).text() == "signal 35");
  CHECK(os::signal(-1).text() == "signal -1");
  CHECK(os::signal().text() == "signal 0");
  CHECK(errors::make("got ", os::signal(SIGUSR1)).text() == "got user defined signal 1");
}

FIBER_TEST("SI1: what is notified arrives, on every channel that wants it, and on no other") {
  const auto a = make_chan<os::signal>(4);
  const auto b = make_chan<os::signal>(4);
  signal::notify(a, SIGUSR1);
  signal::notify(b, SIGUSR1, SIGUSR2);
  raise_now(SIGUSR1);
  CHECK(*a == SIGUSR1);
  CHECK(*b == SIGUSR1);
  raise_now(SIGUSR2);
  CHECK(*b == SIGUSR2);
  signal::notify(a, SIGUSR2);  // another one, besides the first
  raise_now(SIGUSR2);
  CHECK(*a == SIGUSR2);
  CHECK(*b == SIGUSR2);
  raise_now(SIGUSR1);
  CHECK(*a == SIGUSR1);
  CHECK(*b == SIGUSR1);
  signal::stop(a);
  signal::stop(b);
  CHECK(len(a) + len(b) == 0);
}

FIBER_TEST("SI1: notify never blocks: a full channel drops, and one that nobody receives from") {
  const auto full = make_chan<os::signal>(1);
  const auto unbuffered = make_chan<os::signal>();
  const auto counted = make_chan<os::signal>(1);
  signal::notify(full, SIGUSR1);
  signal::notify(unbuffered, SIGUSR1);
  signal::notify(counted, SIGUSR1);
  for (int i = 0; i < 5; ++i) {
    raise_now(SIGUSR1);
    CHECK(*counted == SIGUSR1);  // each has been handed on
  }
  CHECK(len(full) == 1);
  signal::stop(counted);
  signal::stop(unbuffered);
  signal::stop(full);
  CHECK(*full == SIGUSR1);
  CHECK(len(full) == 0);
}

FIBER_TEST("SI2: after stop nothing more arrives, and the last stop restores the default") {
  const auto a = make_chan<os::signal>(8);
  const auto b = make_chan<os::signal>(8);
  signal::notify(a, SIGUSR1);
  signal::notify(b, SIGUSR1);
  CHECK(handler_of(SIGUSR1) != standard);
  signal::stop(a);
  CHECK(handler_of(SIGUSR1) != standard);
  raise_now(SIGUSR1);
  CHECK(*b == SIGUSR1);
  CHECK(len(a) == 0);
  signal::stop(b);
  CHECK(handler_of(SIGUSR1) == standard);
  signal::stop(b);  // again
  signal::stop(make_chan<os::signal>(1));
  signal::stop(nil);
}

FIBER_TEST("SI2: what has not been handed on before the last stop does not come after the next notify") {
  const auto a = make_chan<os::signal>(8);
  signal::notify(a, SIGUSR1);
  raise_now(SIGUSR1);
  raise_now(SIGUSR1);
  signal::stop(a);
  while (len(a) > 0) {  // they may have been quick
    CHECK(*a == SIGUSR1);
  }
  signal::notify(a, SIGUSR1, SIGUSR2);
  raise_now(SIGUSR2);
  CHECK(*a == SIGUSR2);
  raise_now(SIGUSR1);
  CHECK(*a == SIGUSR1);
  raise_now(SIGUSR2);
  CHECK(*a == SIGUSR2);
  signal::stop(a);
  CHECK(len(a) == 0);
}

FIBER_TEST("SI3: notify_context: the first signal cancels: error Canceled, cause `terminated signal received`") {
  const auto of_interrupt = handler_of(SIGINT);  // doctest's
  const auto of_term = handler_of(SIGTERM);
  const auto [ctx, stop] = signal::notify_context(context::background(), os::interrupt, SIGTERM);
  CHECK(handler_of(SIGTERM) != of_term);
  CHECK(ctx.err() == nil);
  CHECK(ctx.text() == "signal.notify_context(" + context::background().text() + ", [interrupt terminated])");
  const int fibers = runtime::num_fibers();
  raise_now(SIGTERM);
  ctx.done().recv();
  CHECK(ctx.err() == context::canceled);
  CHECK(context::cause(ctx).text() == "terminated signal received");
  CHECK(errors::is(context::cause(ctx), context::canceled));
  CHECK_FALSE(errors::is(context::cause(ctx), context::deadline_exceeded));
  raise_now(SIGTERM);  // swallowed
  stop();
  stop();
  CHECK(handler_of(SIGTERM) == of_term);
  CHECK(handler_of(SIGINT) == of_interrupt);
  CHECK(context::cause(ctx).text() == "terminated signal received");
  CHECK(eventually([&] { return runtime::num_fibers() <= fibers; }));
}

FIBER_TEST("SI3: a context of notify_context ends with its stop and with its parent, and costs no fiber") {
  const int fibers = runtime::num_fibers();
  const auto [parent, cancel] = context::with_cancel(context::background());
  const auto [a, stop_a] = signal::notify_context(parent, SIGUSR1);
  const auto [b, stop_b] = signal::notify_context(parent, SIGUSR1);
  CHECK(runtime::num_fibers() == fibers);
  const auto [below, cancel_below] = context::with_cancel(b);
  stop_a();
  CHECK(a.err() == context::canceled);
  CHECK(context::cause(a) == context::canceled);
  CHECK(b.err() == nil);
  cancel();
  CHECK(b.err() == context::canceled);
  CHECK(below.err() == context::canceled);
  CHECK(handler_of(SIGUSR1) != standard);
  stop_b();
  CHECK(handler_of(SIGUSR1) == standard);
  const auto [late, stop_late] = signal::notify_context(parent, SIGUSR1);
  CHECK(late.err() == context::canceled);
  stop_late();
  cancel_below();
}

FIBER_TEST("a nil channel, a nil parent and a nil stop panic, as in Go; what cannot be caught is never sent") {
  const chan<os::signal> none;
  CHECK(panic_of([&] { signal::notify(none, SIGUSR1); }) == "os/signal: Notify using nil channel");
  CHECK(panic_of([&] { signal::notify(nil); }) == "os/signal: Notify using nil channel");
  CHECK(panic_of([] { static_cast<void>(signal::notify_context(nil, SIGUSR1)); }) ==
        "cannot create context from nil parent");
  CHECK(panic_of([] { signal::stop_func()(); }) == "runtime error: invalid memory address or nil pointer dereference");
  const auto segv = handler_of(SIGSEGV);
  const auto bus = handler_of(SIGBUS);
  const auto ch = make_chan<os::signal>(1);
  signal::notify(ch, os::kill, SIGSTOP, SIGSEGV, SIGBUS, SIGPROF, 0, -1, 32, 65, 1000);
  CHECK(handler_of(SIGSEGV) == segv);
  CHECK(handler_of(SIGBUS) == bus);
  CHECK(handler_of(SIGPROF) == standard);
  signal::ignore(os::kill, SIGSEGV, 1000);
  CHECK(handler_of(SIGSEGV) == segv);
  CHECK_FALSE(signal::ignored(os::kill));
  CHECK_FALSE(signal::ignored(1000));
  signal::reset(os::kill, SIGSEGV, 1000);
  signal::stop(ch);
  CHECK(len(ch) == 0);
}

FIBER_TEST("with no signal named, notify and reset are about all that can be caught; a list may be a span") {
  const auto ch = make_chan<os::signal>(8);
  const auto of_alarm = handler_of(SIGALRM);
  const auto of_term = handler_of(SIGTERM);
  signal::notify(ch);
  for (const int n : {SIGHUP, SIGTERM, SIGUSR2, SIGRTMIN + 3}) {
    raise_now(n);
    CHECK(*ch == n);
  }
  signal::reset();
  CHECK(handler_of(SIGTERM) == of_term);
  CHECK(handler_of(SIGALRM) == of_alarm);
  const std::vector<os::signal> two = {SIGUSR1, SIGUSR2};
  signal::notify(ch, two);
  raise_now(SIGUSR2);
  CHECK(*ch == SIGUSR2);
  CHECK(handler_of(SIGTERM) == of_term);
  signal::reset(two);
  CHECK(handler_of(SIGUSR1) == standard);
  CHECK(handler_of(SIGUSR2) == standard);
}

FIBER_TEST("reset ends what is notified of a signal; the others go on") {
  const auto ch = make_chan<os::signal>(8);
  signal::notify(ch, SIGUSR1, SIGUSR2);
  const auto [ctx, stop] = signal::notify_context(context::background(), SIGUSR1);
  signal::reset(SIGUSR1);
  CHECK(handler_of(SIGUSR1) == standard);
  raise_now(SIGUSR2);
  CHECK(*ch == SIGUSR2);
  CHECK(ctx.err() == nil);
  stop();
  signal::stop(ch);
  CHECK(handler_of(SIGUSR2) == standard);
}

FIBER_TEST("an ignored signal does nothing, until a notify or a reset; stop then restores what was before") {
  CHECK_FALSE(signal::ignored(SIGUSR1));
  const auto ch = make_chan<os::signal>(8);
  signal::notify(ch, SIGUSR1, SIGUSR2);
  signal::ignore(SIGUSR1);
  CHECK(signal::ignored(SIGUSR1));
  raise_now(SIGUSR1);
  raise_now(SIGUSR2);
  CHECK(*ch == SIGUSR2);
  signal::notify(ch, SIGUSR1);
  CHECK_FALSE(signal::ignored(SIGUSR1));
  raise_now(SIGUSR1);
  CHECK(*ch == SIGUSR1);
  signal::stop(ch);
  CHECK(handler_of(SIGUSR1) == standard);
  signal::ignore(SIGUSR1);
  signal::ignore(SIGUSR1);
  signal::reset(SIGUSR1);
  CHECK(handler_of(SIGUSR1) == standard);
}

FIBER_TEST("a signal that was ignored before is caught while somebody is notified, and ignored again after") {
  const installed nothing(SIGUSR1, SIG_IGN);
  CHECK(signal::ignored(SIGUSR1));
  const auto ch = make_chan<os::signal>(1);
  for (int i = 0; i < 3; ++i) {
    signal::notify(ch, SIGUSR1);
    CHECK_FALSE(signal::ignored(SIGUSR1));
    raise_now(SIGUSR1);
    CHECK(*ch == SIGUSR1);
    signal::stop(ch);
    CHECK(signal::ignored(SIGUSR1));
  }
}

FIBER_TEST("fibers and threads notify, stop, cancel and are sent signals all at once, and leave nothing") {
  const auto witness = make_chan<os::signal>(1);
  signal::notify(witness, SIGUSR1, SIGUSR2);  // so that neither ever finds its default
  std::atomic<bool> over{false};
  support::crew crew;
  const auto rounds = support::scale(100);
  for (int i = 0; i < 8; ++i) {
    crew.go([&, i] {
      for (int round = 0; round < rounds; ++round) {
        if (i % 2 == 0) {
          const auto ch = make_chan<os::signal>(1);
          signal::notify(ch, i % 4 == 0 ? SIGUSR1 : SIGUSR2);
          runtime::gosched();
          signal::stop(ch);
        } else {
          const auto [ctx, stop] = signal::notify_context(context::background(), SIGUSR1);
          runtime::gosched();
          stop();
        }
      }
    });
  }
  crew.go([&] {
    for (int i = 0; i < 20; ++i) {
      raise_now(i % 2 == 0 ? SIGUSR1 : SIGUSR2);
    }
  });
  std::thread plain([&] {
    while (!over) {
      const auto ch = make_chan<os::signal>(1);
      signal::notify(ch, SIGUSR2);
      signal::stop(ch);
      std::this_thread::yield();
    }
  });
  crew.join();
  over = true;
  runtime::blocking([&] { plain.join(); });
  signal::stop(witness);
  CHECK(handler_of(SIGUSR1) == standard);
  CHECK(handler_of(SIGUSR2) == standard);
}

FIBER_TEST("SI2: what has come before stop, reset or ignore is sent by then") {
  for (int round = 0; round < scale(40); ++round) {
    const auto a = make_chan<os::signal>(4);
    const auto b = make_chan<os::signal>(4);
    signal::notify(a, SIGUSR1);
    signal::notify(b, SIGUSR1, SIGUSR2);
    raise_now(SIGUSR1);
    signal::stop(a);
    CHECK(len(a) == 1);
    raise_now(SIGUSR2);
    raise_now(SIGUSR1);
    signal::reset(SIGUSR2);
    CHECK(len(b) >= 1);
    signal::ignore(SIGUSR1);
    CHECK(len(b) == 3);
    CHECK(len(a) == 1);
    signal::reset(SIGUSR1);
    CHECK(handler_of(SIGUSR1) == standard);
    CHECK(handler_of(SIGUSR2) == standard);
  }
}

FIBER_TEST("SI3: what has come before a notify_context is stopped is its cause") {
  for (int round = 0; round < scale(40); ++round) {
    const auto [ctx, stop] = signal::notify_context(context::background(), SIGUSR1);
    raise_now(SIGUSR1);
    stop();
    CHECK(ctx.err() == context::canceled);
    CHECK(context::cause(ctx).text() == "user defined signal 1 signal received");
  }
}
