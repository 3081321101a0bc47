// signal::notify and its kin: SI1 to SI3, and what becomes of handlers that were there before. os::signal.
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/signal_set.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "child.hpp"
#include "gossamer/asio.hpp"
#include "inside.hpp"

using namespace gossamer;
using support::contains;
using support::eventually;
using support::panic_of;
using support::run_child;
using support::scale;
using support::starts_with;

namespace {

// Asio opens its pipe for the first signal_set of the process: that is nothing that a test leaves behind.
struct first_set {
  boost::asio::io_context context;
  boost::asio::signal_set set{context};
};
[[maybe_unused]] const first_set& pipe_of_asio = *new first_set;

// Sends it to the process; when it returns its handler has run. From a thread of its own that does not block it: the
// thread sanitizer keeps back what comes to one that blocks in run().
void raise_now(int number) {
  std::thread([number] {
    sigset_t only;
    ::sigemptyset(&only);
    ::sigaddset(&only, number);
    ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
    ::raise(number);
  }).join();
}

// doctest does not print pointers to functions.
using handler = void (*)(int);
std::uintptr_t id(handler h) { return reinterpret_cast<std::uintptr_t>(h); }
const std::uintptr_t standard = id(SIG_DFL);

std::uintptr_t handler_of(int number) {
  struct sigaction now{};
  ::sigaction(number, nullptr, &now);
  return id(now.sa_handler);
}

std::atomic<int> own_calls{0};
void own_handler(int) { ++own_calls; }

// A handler of the program's own, for a while.
struct own_action {
  explicit own_action(int n, handler h = own_handler) : number(n) {
    struct sigaction action{};
    action.sa_handler = h;
    ::sigaction(number, &action, &before);
  }
  own_action(const own_action&) = delete;
  own_action& operator=(const own_action&) = delete;
  ~own_action() { ::sigaction(number, &before, nullptr); }
  int number;
  struct sigaction before{};
};

}  // namespace

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
  const own_action nothing(SIGUSR1, SIG_IGN);
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

FIBER_TEST("a handler of the program's own is back after the last stop") {
  const own_action own(SIGUSR1);
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
    const own_action own(SIGUSR1);
    own_calls = 0;
    raise_now(SIGUSR1);
    CHECK(own_calls == 1);
    signal::stop(ch);
    CHECK(handler_of(SIGUSR1) == id(own_handler));
  }
  CHECK(handler_of(SIGUSR1) != standard);  // own_action put back what it found: ours
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
  const own_action own(SIGUSR2);
  own_calls = 0;
  std::atomic<bool> over{false};
  std::thread storm([&] {
    while (!over) {
      raise_now(SIGUSR2);  // the default would end the process
    }
  });
  for (int i = 0; i < support::scale(300) || own_calls == 0; ++i) {
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

// ---- whole programs -------------------------------------------------------------------------------------------------

CHILD_PROGRAM("shuts down when it is told to") {
  return run([] {
    const auto [ctx, stop] = signal::notify_context(context::background(), os::interrupt, SIGTERM);
    const defer d1{stop};
    sync::wait_group workers;
    for (int i = 0; i < 3; ++i) {
      workers.go([c = ctx] {
        c.done().recv();
        std::printf("worker done\n");
      });
    }
#if GOSSAMER_TSAN
    raise_now(SIGTERM);
#else
    ::kill(::getpid(), SIGTERM);  // comes to the thread that waits in run()
#endif
    workers.wait();
    std::printf("%s\n", context::cause(ctx).text().c_str());
    return 7;
  });
}
PLAIN_TEST("a program that is sent SIGTERM shuts down as it likes") {
  const auto r = run_child("shuts down when it is told to");
  CHECK(r.exited_with(7));
  CHECK(r.out == "worker done\nworker done\nworker done\nterminated signal received\n");
}

#if !GOSSAMER_TSAN  // which keeps a signal back that comes to the thread in run()
CHILD_PROGRAM("waits for a signal only") {
  return run([] {
    const auto ch = make_chan<os::signal>(1);
    signal::notify(ch, SIGALRM);
    itimerval later{};
    later.it_value.tv_usec = 200'000;  // time enough for a report of a deadlock
    ::setitimer(ITIMER_REAL, &later, nullptr);
    const os::signal s = *ch;
    std::printf("%s\n", s.text().c_str());
    std::fflush(stdout);
    signal::stop(ch);
    ch.recv();
  });
}
PLAIN_TEST("FR2: who waits for a signal is in no deadlock; after the last stop it is one") {
  const auto r = run_child("waits for a signal only");
  CHECK(r.exited_with(2));
  CHECK(starts_with(r.out, "alarm clock\n"));
  CHECK(starts_with(r.err, "fatal error: all fibers are asleep - deadlock!\n"));
}
#endif

CHILD_PROGRAM("runs twice with signals") {
  for (int i = 0; i < 2; ++i) {
    const int code = run([] {
      const auto ch = make_chan<os::signal>(1);
      signal::notify(ch, SIGHUP);
      raise_now(SIGHUP);
      const bool right = *ch == SIGHUP;
      signal::stop(ch);
      return right ? 0 : 1;
    });
    if (code != 0) {
      return 1;
    }
  }
  // What run() left notified is still caught, and comes when fibers run again.
  const auto ch = make_chan<os::signal>(1);
  static_cast<void>(run([&] { signal::notify(ch, SIGHUP); }));
  raise_now(SIGHUP);
  return run([&] { return *ch == SIGHUP ? 5 : 1; });
}
PLAIN_TEST("signals are notified in one run() after another") {
  CHECK(run_child("runs twice with signals").exited_with(5));
}

CHILD_PROGRAM("dies of it after stop") {
  return run([] {
    const auto ch = make_chan<os::signal>(1);
    signal::notify(ch, SIGTERM);
    raise_now(SIGTERM);
    ch.recv();
    signal::stop(ch);
    raise_now(SIGTERM);
    ch.recv();
  });
}
PLAIN_TEST("SI2: a signal that nobody is notified of any more does what it did before") {
  CHECK(run_child("dies of it after stop").signal == SIGTERM);
}

// A signal that comes about when its notify is stopped: 10: on the channel, 11: only later, 12: neither.
CHILD_PROGRAM("is sent SIGTERM beside its stop") {
  return run([] {
    const auto ch = make_chan<os::signal>(2);
    signal::notify(ch, SIGTERM);
    std::atomic<bool> go_on = false;
    std::thread sender([&] {
      sigset_t all;
      ::sigfillset(&all);
      ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
      go_on = true;
      ::kill(::getpid(), SIGTERM);
    });
    runtime::blocking([&] {
      while (!go_on) {
      }
    });
    const char* const after = std::getenv("SPIN");
    for (int i = 0; i < std::atoi(after != nullptr ? after : "0"); ++i) {
      asm volatile("" ::: "memory");
    }
    signal::stop(ch);
    const bool came = len(ch) > 0;
    runtime::blocking([&] { sender.join(); });
    time::sleep(5ms);
    return came ? 10 : len(ch) > 0 ? 11 : 12;
  });
}
// The thread sanitizer keeps a signal to itself for a while, and then calls the handler that was there when it came.
#if !GOSSAMER_TSAN
PLAIN_TEST("SI2: a signal that comes beside stop is on the channel, or does what it did before, and is never lost") {
  int lost = 0;
  for (int round = 0; round < scale(60); ++round) {
    const auto r = run_child("is sent SIGTERM beside its stop", {{"SPIN", std::to_string(round * 7919 % 40000)},
                                                                 {"GOSSAMER", round % 2 == 0 ? "procs=1" : "procs=2"}});
    lost += r.signal != SIGTERM && !r.exited_with(10);
  }
  CHECK(lost == 0);
}
#endif

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

CHILD_PROGRAM("ends while notified") {
  go([] { std::exit(4); });
  return run([] {
    const auto ch = make_chan<os::signal>();
    signal::notify(ch);
    const auto [ctx, stop] = signal::notify_context(context::background());
    ctx.done().recv();
  });
}
PLAIN_TEST("a process may end while signals are notified") { CHECK(run_child("ends while notified").exited_with(4)); }

CHILD_PROGRAM("sends to a closed channel") {
  return run([] {
    const auto ch = make_chan<os::signal>(1);
    signal::notify(ch, SIGUSR1);
    close(ch);
    raise_now(SIGUSR1);
    select();
  });
}
PLAIN_TEST("a channel that is closed before its stop is a fatal panic") {
  const auto r = run_child("sends to a closed channel");
  CHECK(r.exited_with(2));
  CHECK(starts_with(r.err, "panic: send on closed channel"));
}

// ---- os::exit -------------------------------------------------------------------------------------------------------

namespace {

struct loud {
  const char* text;
  ~loud() { std::printf("%s\n", text); }
};

}  // namespace

CHILD_PROGRAM("os::exit") {
  static const loud at_exit{"static destructor"};
  std::atexit([] { std::printf("atexit\n"); });
  const std::string from = std::getenv("FROM");
  return run([&] {
    const loud deferred{"destructor of main's"};
    std::atomic<bool> hog_runs{false};
    go([&] {
      hog_runs = true;
      for (;;) {
        asm volatile("");
      }
    });
    while (!hog_runs) {
      runtime::gosched();
    }
    std::printf("written");
    if (from == "main") {
      os::exit(3);
    }
    std::thread plain;
    if (from == "fiber") {
      go([] { os::exit(3); });
    } else if (from == "thread") {
      plain = std::thread([] { os::exit(3); });
    } else {
      runtime::blocking([] { os::exit(3); });
    }
    select();
  });
}
PLAIN_TEST("os::exit ends the process at once, from anywhere, with no defer, destructor or exit handler run") {
  for (const char* from : {"main", "fiber", "thread", "blocking call"}) {
    const auto r = run_child("os::exit", {{"FROM", from}});
    CHECK(r.exited_with(3));
    CHECK(r.out == "written");
    CHECK(r.err.empty());
  }
}

CHILD_PROGRAM("os::exit without a runtime") { os::exit(256 + 9); }
PLAIN_TEST("os::exit needs no runtime, and gives the lowest eight bits of its code") {
  CHECK(run_child("os::exit without a runtime").exited_with(9));
}
