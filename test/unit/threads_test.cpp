// The limit of threads, and what happens where the system gives no more.
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "child.hpp"
#include "inside.hpp"
#include "sched/scheduler.hpp"

using namespace gossamer;

CHILD_PROGRAM("blocks more threads than the limit") {
  return run(
      [] {
        for (int i = 0; i < 20; ++i) {
          go([] { runtime::blocking([] { ::sleep(100); }); });
        }
        select();
      },
      {.procs = 2});
}
CHILD_PROGRAM("locks more threads than the limit") {
  return run(
      [] {
        for (int i = 0; i < 20; ++i) {
          go([] {
            runtime::lock_os_thread();
            select();
          });
        }
        select();
      },
      {.procs = 2});
}
PLAIN_TEST("blocking calls and locked fibers beyond the limit of threads end in Go's thread exhaustion") {
  for (const char* child : {"blocks more threads than the limit", "locks more threads than the limit"}) {
    const support::child_result r = support::run_child(child, {{"GOSSAMER", "threads=8"}});
    CHECK(r.exited_with(2));
    CHECK(support::contains(r.err, "runtime: program exceeds 8-thread limit\nfatal error: thread exhaustion\n"));
  }
}

CHILD_PROGRAM("blocks where there are no more threads") {
  return run(
      [] {
        sched::no_more_threads = true;
        const std::string text = support::panic_of([] { runtime::lock_os_thread(); });
        std::atomic<int> ran = 0;
        sync::wait_group wg;
        for (int i = 0; i < 4; ++i) {
          wg.go([&] {
            runtime::blocking([] { ::usleep(20'000); });
            ++ran;
          });
        }
        wg.wait();
        // Nobody could stand in; once there are threads again somebody does.
        wg.go([&] {
          runtime::blocking([&] {
            while (ran < 5) {
              ::usleep(1000);
            }
          });
        });
        go([&] { ++ran; });
        runtime::gosched();
        sched::no_more_threads = false;
        wg.wait();
        runtime::lock_os_thread();
        return ran == 5 && text == "runtime: cannot start a thread to run the other fibers" ? 0 : 1;
      },
      {.procs = 1});
}
PLAIN_TEST("where the system gives no more threads, calls make others wait, and locking a thread panics") {
  CHECK(support::run_child("blocks where there are no more threads").exited_with(0));
}
