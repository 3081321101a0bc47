// Whole programs that are sent signals: how they shut down, die, or are in a deadlock.
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "child.hpp"
#include "few_descriptors.hpp"
#include "fiber_test.hpp"
#include "gossamer/asio.hpp"
#include "signals.hpp"

using namespace gossamer;
using support::handler_of;
using support::raise_now;
using support::run_child;
using support::scale;
using support::standard;
using support::starts_with;
using support::unblock;

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
    ::kill(::getpid(), SIGTERM);  // comes to the thread that waits in run()
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

FIBER_TEST("a signal that comes to a forked child is not its parent's") {
  const auto ch = make_chan<os::signal>(4);
  signal::notify(ch, SIGUSR1);
  const pid_t pid = ::fork();
  if (pid == 0) {
    unblock(SIGUSR1);
    ::raise(SIGUSR1);
    ::_exit(7);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 7);
  raise_now(SIGUSR1);
  CHECK(*ch == SIGUSR1);
  signal::stop(ch);
  CHECK(len(ch) == 0);
}

CHILD_PROGRAM("has no descriptor left for its signals") {
  return run([] {
    static_cast<void>(runtime::io_context());
    const auto ch = make_chan<os::signal>(1);
    {
      const support::few_descriptors none(0);
      try {
        signal::notify(ch, SIGUSR1);
        return 1;
      } catch (const boost::system::system_error&) {
      }
    }
    if (handler_of(SIGUSR1) != standard) {
      return 2;
    }
    signal::notify(ch, SIGUSR1);
    raise_now(SIGUSR1);
    const bool right = *ch == SIGUSR1;
    signal::stop(ch);
    return right ? 5 : 3;
  });
}
PLAIN_TEST("a notify that finds no file descriptor left throws and catches nothing, and the next one may do it") {
  CHECK(run_child("has no descriptor left for its signals").exited_with(5));
}
