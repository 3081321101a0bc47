// Deadlock: Go's report when nothing can ever run again, and only then.
#include <unistd.h>

#include <string>
#include <thread>

#include "child.hpp"
#include "inside.hpp"

using namespace gossamer;
using support::child_result;
using support::contains;
using support::run_child;

CHILD_PROGRAM("main waits for nobody") {
  return run([] {
    auto ch = make_chan<int>();
    go([] {
      sync::mutex mu;
      mu.lock();
      mu.lock();
    });
    ch.recv();
  });
}
PLAIN_TEST("FR1: all fibers are asleep: the report names each with its reason and place, main first; exit 2") {
  const child_result r = run_child("main waits for nobody", {{"GOSSAMER", "procs=2"}});
  CHECK(r.exited_with(2));
  CHECK(support::starts_with(r.err, "fatal error: all fibers are asleep - deadlock!\n\nfiber "));
  const auto main_at = r.err.find("[chan receive]:\n");
  const auto other_at = r.err.find("[sync.Mutex.Lock, held by fiber ");
  CHECK(main_at != std::string::npos);
  CHECK(other_at != std::string::npos);
  CHECK(main_at < other_at);
  CHECK(contains(r.err, "deadlock_test.cpp:"));
  CHECK(contains(r.err, "the main fiber"));
  CHECK(contains(r.err, "created by "));
}

CHILD_PROGRAM("everybody waits at 1 worker") {
  return run([] { select(); }, {.procs = 1});
}
PLAIN_TEST("FR1: one worker is enough to notice") {
  const child_result r = run_child("everybody waits at 1 worker");
  CHECK(r.exited_with(2));
  CHECK(contains(r.err, "[select (no cases)]:\n"));
}

CHILD_PROGRAM("a sleep is armed") {
  return run([] {
    auto ch = make_chan<int>();
    go([ch] {
      time::sleep(300ms);
      ch << 4;
    });
    return *ch;
  });
}
CHILD_PROGRAM("somebody is in a blocking call") {
  return run([] {
    auto ch = make_chan<int>();
    go([ch] {
      runtime::blocking([] { ::usleep(300'000); });
      ch << 4;
    });
    return *ch;
  });
}
CHILD_PROGRAM("somebody is in an unannounced call") {
  return run([] {
    auto ch = make_chan<int>();
    go([ch] {
      ::usleep(300'000);
      ch << 4;
    });
    return *ch;
  });
}
CHILD_PROGRAM("a plain thread has not called in yet") {
  auto ch = make_chan<int>();
  std::thread t([ch] {
    ::usleep(700'000);
    ch << 4;
  });
  const int code = run([ch] { return *ch; });
  t.join();
  return code;
}
PLAIN_TEST("FR2: no report while a sleep is armed, a call blocks, or a plain thread may still act") {
  CHECK(run_child("a sleep is armed").exited_with(4));
  CHECK(run_child("somebody is in a blocking call").exited_with(4));
  CHECK(run_child("somebody is in an unannounced call").exited_with(4));
  CHECK(run_child("a plain thread has not called in yet").exited_with(4));
}

CHILD_PROGRAM("the last plain thread ends") {
  std::thread([] { ::usleep(300'000); }).detach();
  return run([] { make_chan<int>().recv(); });
}
PLAIN_TEST("FR1: the report comes once the last plain thread has ended") {
  const child_result r = run_child("the last plain thread ends");
  CHECK(r.exited_with(2));
  CHECK(contains(r.err, "all fibers are asleep - deadlock!\n"));
}
