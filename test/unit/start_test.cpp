// start: what a process inherits from whoever starts it: ignored and blocked signals, closed streams, limits.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "child.hpp"
#include "inside.hpp"

using namespace gossamer;
using support::child_result;
using support::contains;

namespace {

#if GOSSAMER_ASAN || GOSSAMER_TSAN
constexpr bool sanitized = true;  // they map terabytes
#else
constexpr bool sanitized = false;
#endif

using words = std::vector<std::string>;

// A shell carries out `first`, then becomes what follows.
words after(const std::string& first) { return {"sh", "-c", first + "; exec \"$0\" \"$@\""}; }

words with_ignored(const std::string& signals) { return {"env", "--ignore-signal=" + signals}; }

child_result run_child_by(const words& command, const std::string& name, const support::environment& extra = {}) {
  return support::run_self_by(command, "--child=" + name, extra);
}

}  // namespace

// ---- signals --------------------------------------------------------------------------------------------------------

CHILD_PROGRAM("start: SIGQUIT") {
  const bool ignored = std::getenv("IGNORE_IT") != nullptr;
  if (ignored) {
    ::signal(SIGQUIT, SIG_IGN);
  }
  return run([=] {
    go(fiber_options{.name = "other"}, [] { make_chan<int>().recv(); });
    support::await_parked(wait_reason::chan_receive, 1);
    if (ignored) {
      ::kill(::getpid(), SIGQUIT);
      time::sleep(100ms);
      return 5;
    }
    // The dump may come before kill() returns, and is to find this fiber asleep.
    go([] {
      support::await_parked(wait_reason::sleep, 1);
      ::kill(::getpid(), SIGQUIT);
    });
    time::sleep(10s);
    return 5;
  });
}

PLAIN_TEST("SIGQUIT dumps all fibers also where the parent had it ignored, as a shell does for a command with &") {
  for (const words& by : {words{}, with_ignored("QUIT"), after("trap '' INT QUIT")}) {
    const child_result r = run_child_by(by, "start: SIGQUIT");
    CHECK(r.exited_with(2));
    CHECK(support::starts_with(r.err, "SIGQUIT: quit\n\nfiber 1 [sleep]:\n"));
    CHECK(contains(r.err, " \"other\" [chan receive]"));
  }
}

PLAIN_TEST("SIGQUIT stays ignored where the program itself has set that, or the knob says dump=none") {
  child_result r = run_child_by({}, "start: SIGQUIT", {{"IGNORE_IT", "1"}});
  CHECK(r.exited_with(5));
  CHECK(r.err == "");
  r = run_child_by(with_ignored("QUIT"), "start: SIGQUIT", {{"IGNORE_IT", "1"}, {"GOSSAMER", "dump=none"}});
  CHECK(r.exited_with(5));
  CHECK(r.err == "");
}

CHILD_PROGRAM("start: SIGINT and SIGHUP") {
  return run([] {
    ::kill(::getpid(), SIGINT);
    ::kill(::getpid(), SIGHUP);
    auto got = make_chan<os::signal>(1);
    signal::notify(got, os::interrupt);
    ::kill(::getpid(), SIGINT);
    if (got.recv() != os::interrupt) {
      return 1;
    }
    signal::stop(got);
    ::kill(::getpid(), SIGINT);
    return 5;
  });
}
PLAIN_TEST("SIGINT and SIGHUP stay ignored where they were at the start, but for who is notified of them") {
  const child_result r = run_child_by(with_ignored("INT,HUP"), "start: SIGINT and SIGHUP");
  CHECK(r.exited_with(5));
  CHECK(r.err == "");
}

// ---- descriptors ----------------------------------------------------------------------------------------------------

CHILD_PROGRAM("start: opens something") {
  return run([] {
    int ends[2];
    const int problem = ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    return problem == 0 && ends[0] > 2 && ends[1] > 2 && ::fcntl(0, F_GETFD) >= 0 ? 5 : 1;
  });
}
PLAIN_TEST("a stream that was closed at the start is /dev/null: no report of ours goes into a file of the program") {
  for (const char* closed : {"<&-", ">&-", "2>&-", "<&- >&- 2>&-"}) {
    const child_result r =
        run_child_by({"sh", "-c", "exec \"$0\" \"$@\" " + std::string(closed)}, "start: opens something");
    CHECK(r.exited_with(5));
  }
}

// ---- the tests themselves -------------------------------------------------------------------------------------------

PLAIN_TEST("start: the state that tests need") {
  for (const int s : {SIGQUIT, SIGINT, SIGPIPE, SIGCHLD, SIGALRM, SIGUSR1, SIGHUP}) {
    struct sigaction now{};
    ::sigaction(s, nullptr, &now);
    CHECK((now.sa_handler != SIG_IGN));
  }
  sigset_t blocked;
  ::sigprocmask(SIG_SETMASK, nullptr, &blocked);
  CHECK(::sigisemptyset(&blocked) != 0);
  std::vector<int> some;
  for (int i = 0; i < 64; ++i) {
    some.push_back(::dup(0));
  }
  for (const int fd : some) {
    CHECK(fd > 2);
    ::close(fd);
  }
}
PLAIN_TEST("the tests run the same whatever signals, streams and limits they are started with") {
  const words ways[] = {
      with_ignored("QUIT,INT,HUP,PIPE,CHLD,ALRM,USR1,URG"),
      {"env", "--block-signal"},
      {"sh", "-c", "exec \"$0\" \"$@\" <&-"},
      {"sh", "-c", "exec \"$0\" \"$@\" <&- >&- 2>&-"},
      after("ulimit -Sn 16"),
  };
  for (const words& by : ways) {
    const child_result r = support::run_self_by(by, "--test-case=start: the state that tests need,*SIGQUIT dumps*");
    if (!r.exited_with(0)) {
      FAIL_CHECK(by[0] << " " << by[1] << " " << (by.size() > 2 ? by[2] : "") << ": code " << r.code << "\n"
                       << r.out << r.err);
    }
  }
}

// ---- address space --------------------------------------------------------------------------------------------------

// FIBERS of them, all parked at once.
CHILD_PROGRAM("start: parks fibers") {
  const char* const text = std::getenv("FIBERS");
  const int n = text != nullptr ? std::atoi(text) : 0;
  return run([n] {
    sync::wait_group wg;
    const auto arrived = make_chan<int>();
    const auto gate = make_chan<int>();
    for (int i = 0; i < n; ++i) {
      wg.go([arrived, gate] {
        arrived << 1;
        gate.recv();
      });
    }
    for (int i = 0; i < n; ++i) {
      arrived.recv();
    }
    close(gate);
    wg.wait();
    std::printf("hello");
    return 5;
  });
}

PLAIN_TEST("a program runs in 100 MB of address space, on many workers too, and with 1000 small stacks") {
  if (sanitized) {
    return;
  }
  const std::pair<const char*, const char*> programs[] = {{"procs=1", "1"}, {"procs=64", "1"}, {"stack=32k", "1000"}};
  for (const auto& [knob, fibers] : programs) {
    for (const char* limit : {"ulimit -v 100000", "ulimit -d 100000"}) {
      const child_result r =
          run_child_by(after(limit), "start: parks fibers", {{"GOSSAMER", knob}, {"FIBERS", fibers}});
      if (!r.exited_with(5) || r.out != "hello") {
        FAIL_CHECK(limit << ", " << knob << ", " << fibers << " fibers: code " << r.code << "\n" << r.err);
      }
    }
  }
}

PLAIN_TEST("under any limit of address space a program works, or says why it does not") {
  if (sanitized) {
    return;
  }
  // With less than about 10 MB the kernel has no room for this program and main's own stack, and says nothing.
  for (const char* fibers : {"1", "1000"}) {
    for (int kib = 400'000; kib > 12'000; kib = kib * 3 / 4) {
      const child_result r = run_child_by(after("ulimit -c 0; ulimit -v " + std::to_string(kib)), "start: parks fibers",
                                          {{"GOSSAMER", "procs=4"}, {"FIBERS", fibers}});
      const bool works = r.exited_with(5) && r.out == "hello";
      const bool says = (r.exited_with(2) && contains(r.err, "fatal error: ")) ||
                        (r.signal == SIGABRT && contains(r.err, "terminate called")) ||
                        (r.exited_with(127) && contains(r.err, "shared"));  // the loader's word
      if (!works && !says) {
        FAIL_CHECK(kib << " KiB, " << fibers << " fibers: code " << r.code << ", signal " << r.signal
                       << (r.timed_out ? " (hung)\n" : "\n") << r.out << r.err);
      }
    }
  }
}
