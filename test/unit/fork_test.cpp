// fork: the child may only exec or _exit. Whatever would need the runtime there ends it with a report, exit code 2.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "child.hpp"
#include "inside.hpp"

using namespace gossamer;
using support::child_result;
using support::contains;
using support::run_child;

namespace {

// How the child ends that forks here and calls f: its exit code, or 1000 + the signal that killed it. A child that
// hangs kills itself.
template <class F>
int code_of_child(F f) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::signal(SIGALRM, SIG_DFL);
    sigset_t alarm_only;
    ::sigemptyset(&alarm_only);
    ::sigaddset(&alarm_only, SIGALRM);
    ::pthread_sigmask(SIG_UNBLOCK, &alarm_only, nullptr);
    ::alarm(15);
    f();
    ::_exit(77);  // nothing has ended it
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

void exec_true() {
  ::execl("/bin/sh", "sh", "-c", "exit 7", static_cast<char*>(nullptr));
  ::_exit(99);
}

int code_of_spawned() {
  std::array<std::string, 3> words{"sh", "-c", "exit 8"};
  std::array<char*, 4> arguments{words[0].data(), words[1].data(), words[2].data(), nullptr};
  pid_t pid = -1;
  if (::posix_spawn(&pid, "/bin/sh", nullptr, nullptr, arguments.data(), environ) != 0) {
    return -1;
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WEXITSTATUS(status);
}

// What a child must not do, with the main program's fibers and threads around.
struct misuse {
  const char* name;
  void (*act)();
};

chan<int> shared;      // has no partner
sync::mutex held;      // somebody else's
sync::wait_group one;  // never done

const std::array from_a_fiber{
    misuse{"go", [] { go([] {}); }},
    misuse{"receive", [] { shared.recv(); }},
    misuse{"receive for a while", [] { shared.recv_for(1ms); }},
    misuse{"lock", [] { held.lock(); }},
    misuse{"wait", [] { one.wait(); }},
    misuse{"sleep", [] { time::sleep(1ms); }},
    misuse{"timer", [] { time::after_func(1ms, [] {}); }},
    misuse{"yield",
           [] {
             for (int i = 0; i < 3; ++i) {
               runtime::gosched();
             }
           }},
    misuse{"goexit", [] { runtime::goexit(); }},
    misuse{"run", [] { run([] {}); }},
    misuse{"max_procs", [] { runtime::max_procs(2); }},
    misuse{"select", [] { select(recv(shared, [](int) {})); }},
    misuse{"block in a blocking call", [] { runtime::blocking([] { shared.recv(); }); }},
};

const std::array from_a_thread{
    misuse{"go", [] { go([] {}); }},
    misuse{"receive", [] { shared.recv(); }},
    misuse{"receive for a while", [] { shared.recv_for(1ms); }},
    misuse{"lock", [] { held.lock(); }},
    misuse{"sleep", [] { time::sleep(1ms); }},
    misuse{"timer", [] { time::after_func(1ms, [] {}); }},
    misuse{"run", [] { run([] {}); }},
    misuse{"max_procs", [] { runtime::max_procs(2); }},
};

// Prints `NAME: CODE` of each where the code is not 2.
template <class List>
void try_all(const List& list) {
  for (const misuse& m : list) {
    if (const int code = code_of_child(m.act); code != 2) {
      std::printf("%s: %d\n", m.name, code);
    }
  }
}

// Fibers that keep all workers busy with locks and queues, so that a child is born with some of them held.
void make_traffic() {
  for (int i = 0; i < 20; ++i) {
    go([] {
      for (;;) {
        time::sleep(20us);
        sync::wait_group wg;
        wg.go([] { runtime::gosched(); });
        wg.wait();
      }
    });
  }
}

}  // namespace

CHILD_PROGRAM("fork: misuse in a fiber") {
  return run([] {
    shared = make_chan<int>();
    held.lock();
    one.add(1);
    make_traffic();
    try_all(from_a_fiber);
    go([] {});  // the parent is what it was
    time::sleep(1ms);
    return 5;
  });
}
CHILD_PROGRAM("fork: misuse on a thread") {
  return run([] {
    shared = make_chan<int>();
    held.lock();
    make_traffic();
    auto done = make_chan<int>();
    std::thread other([=] {
      try_all(from_a_thread);
      done << 5;
    });
    const int code = *done;
    other.join();
    return code;
  });
}

PLAIN_TEST("the child of a fork that uses the runtime ends at once with a report, whatever it does") {
  for (const char* program : {"fork: misuse in a fiber", "fork: misuse on a thread"}) {
    const child_result r = run_child(program, {{"GOSSAMER", "procs=2"}});
    CHECK(r.out == "");
    CHECK(r.exited_with(5));
    CHECK(contains(r.err, "uses the runtime: after fork() a child may only exec or _exit\n"));
    CHECK_FALSE(contains(r.err, "panic: "));
  }
}

CHILD_PROGRAM("fork: a fiber returns in the child") {
  return run([] {
    auto done = make_chan<int>();
    auto forked = make_chan<pid_t>(1);
    go([=] {
      const pid_t pid = ::fork();
      if (pid == 0) {
        ::alarm(15);
      }
      forked << pid;
      done << 1;
    });
    done.recv();
    int status = 0;
    ::waitpid(*forked, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
  });
}
CHILD_PROGRAM("fork: a blocking call returns in the child") {
  return run([] {
    const pid_t pid = runtime::blocking([] { return ::fork(); });
    if (pid == 0) {
      ::_exit(77);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
  });
}

PLAIN_TEST("the report names the fiber that forked, also when the child comes back into its own code") {
  child_result r = run_child("fork: a fiber returns in the child");
  CHECK(r.exited_with(2));
  CHECK(contains(r.err, "fatal error: the child of a fork() by fiber "));
  r = run_child("fork: a blocking call returns in the child");
  CHECK(r.exited_with(2));
  CHECK(contains(r.err, "fatal error: the child of a fork() by fiber 1 uses the runtime"));
  CHECK(contains(r.err, "fiber 1 [running]:\n"));
}

FIBER_TEST("a fiber and a thread may fork and exec, fork and _exit, and posix_spawn; the parent goes on") {
  std::atomic<bool> stop = false;
  support::crew crew;
  crew.go([&] {
    while (!stop) {
      time::sleep(20us);
    }
  });
  const auto all = [] {
    CHECK(code_of_child(exec_true) == 7);
    CHECK(code_of_child([] { ::_exit(6); }) == 6);
    CHECK(code_of_spawned() == 8);
  };
  all();
  CHECK(runtime::blocking([] { return code_of_child(exec_true); }) == 7);
  std::thread other(all);
  other.join();
  auto ch = make_chan<int>();
  go([=] { ch << 1; });
  CHECK(*ch == 1);
  stop = true;
}

CHILD_PROGRAM("fork: the child exits") {
  return run([] {
    make_traffic();
    const int of_fiber = code_of_child([] { std::exit(3); });
    int of_thread = 0;
    std::thread([&] { of_thread = code_of_child([] { std::exit(4); }); }).join();
    std::printf("%d %d\n", of_fiber, of_thread);
  });
}
PLAIN_TEST("exit in the child does not wait for workers that are not there") {
  // The leak checker cannot look through threads that only the parent has.
  const char* given = std::getenv("ASAN_OPTIONS");
  const std::string asan = std::string(given != nullptr ? given : "") + ":detect_leaks=0";
  const child_result r = run_child("fork: the child exits", {{"GOSSAMER", "procs=2"}, {"ASAN_OPTIONS", asan}});
  CHECK(r.exited_with(0));
  CHECK(r.out == "3 4\n");
  CHECK(r.err == "");
}

CHILD_PROGRAM("fork before the runtime starts") {
  const int code = code_of_child([] { ::_exit(run([] { return 9; })); });
  return run([=] { return code; });
}
#if !GOSSAMER_TSAN
PLAIN_TEST("a child that is forked before the runtime has started may start its own") {
  CHECK(run_child("fork before the runtime starts").exited_with(9));
}
#endif
