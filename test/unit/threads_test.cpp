// The limit of threads, and what happens where the system gives no more.
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>

#include "child.hpp"
#include "inside.hpp"

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
