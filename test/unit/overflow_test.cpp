// Stack overflow: reported by fiber, limit and spawn site; other faults are as they were.
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <gossamer/debug.hpp>

#include <cstdio>
#include <string>

#include "child.hpp"
#include "fiber_test.hpp"

using namespace gossamer;
using support::child_result;
using support::contains;
using support::run_child;
using support::starts_with;

#if GOSSAMER_ASAN || GOSSAMER_TSAN

PLAIN_TEST("FR8: not tested here: the sanitizer owns SIGSEGV") { MESSAGE("skipped: the sanitizer owns SIGSEGV"); }

#else

namespace {

// Stack use that no compiler folds.
[[gnu::noinline]] int dive(int depth) {
  volatile char frame[512];
  frame[0] = static_cast<char>(depth);
  return depth == 0 ? 0 : dive(depth - 1) + frame[0];
}

void no_core() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
}

int overflow_in_fiber() {
  no_core();
  return run(
      [] {
        go(fiber_options{.name = "diver"}, [] {
          debug::set_labels({{"user", "ann"}, {"why", "to see"}});
          dive(10'000'000);
        });
        make_chan<int>().recv();
      },
      {.stack_bytes = std::size_t{256} << 10});
}

int* volatile nowhere = nullptr;

// Larger than the stack and its guard, and touched at its low end only, as objects that were built without
// -fstack-clash-protection do it.
#if defined(__clang__)
#define GOSSAMER_TEST_NO_PROBES gnu::noinline
#else
#define GOSSAMER_TEST_NO_PROBES gnu::noinline, gnu::optimize("no-stack-clash-protection")
#endif
[[GOSSAMER_TEST_NO_PROBES]] void park_far_below() {
  char frame[400 << 10];
  asm volatile("" : : "r"(frame) : "memory");
  time::sleep(1ms);
}

}  // namespace

CHILD_PROGRAM("overflows") { return overflow_in_fiber(); }
CHILD_PROGRAM("overflows a protected guard") {
  if (::mlockall(MCL_FUTURE | MCL_ONFAULT) != 0) {
    return 77;
  }
  return overflow_in_fiber();
}
CHILD_PROGRAM("jumps over its guard") {
  no_core();
  return run(
      [] {
        auto gate = make_chan<void>();
        for (int i = 0; i < 16; ++i) {
          go([=] { gate.recv(); });  // whose stacks lie around
        }
        go(park_far_below);
        make_chan<int>().recv();
      },
      {.stack_bytes = std::size_t{256} << 10});
}
CHILD_PROGRAM("main overflows") {
  no_core();
  return run([] { return dive(100'000'000); });
}

PLAIN_TEST("FR8: a fiber that blocks in a frame beyond its guard is reported, and told how to compile") {
  for (const char* procs : {"procs=1", "procs=2", "procs=8"}) {
    const child_result r = run_child("jumps over its guard", {{"GOSSAMER", procs}});
    CHECK(r.exited_with(2));
    CHECK(contains(r.err, "fatal error: stack overflow\n\nfiber "));
#if !defined(__clang__)  // which has no way to leave the probes out of one function
    CHECK(starts_with(r.err,
                      "runtime: fiber stack exceeds 262144-byte limit, and a frame went past its guard: "
                      "compile with -fstack-clash-protection\n"));
#endif
    CHECK(contains(r.err, "park_far_below"));
  }
}

PLAIN_TEST("FR8: an overflow names the fiber, the limit and the spawn site, on any worker") {
  for (const char* program : {"overflows", "overflows a protected guard"}) {
    for (const char* procs : {"procs=1", "procs=2", "procs=8"}) {
      const child_result r = run_child(program, {{"GOSSAMER", procs}});
      if (r.exited_with(77)) {
        MESSAGE("no memory can be locked here: not tested");
        continue;
      }
      CHECK(r.exited_with(2));
      CHECK(
          starts_with(r.err, "runtime: fiber stack exceeds 262144-byte limit\nfatal error: stack overflow\n\nfiber "));
      CHECK(contains(r.err, " \"diver\" [running] {user: ann, why: \"to see\"}:\n"));
      CHECK(contains(r.err, " frames elided...\n"));
      CHECK(contains(r.err, "created by "));
      CHECK(contains(r.err, " in fiber 1\n"));
    }
  }
  const child_result r = run_child("main overflows");
  CHECK(r.exited_with(2));
  CHECK(starts_with(
      r.err, "runtime: fiber stack exceeds 8388608-byte limit\nfatal error: stack overflow\n\nfiber 1 [running]:\n"));
}

CHILD_PROGRAM("reads through null in a fiber") {
  no_core();
  return run([] { return *nowhere; });
}

CHILD_PROGRAM("reads through null, with a handler") {
  struct sigaction action{};
  action.sa_handler = [](int) { ::_exit(9); };
  ::sigaction(SIGSEGV, &action, nullptr);
  return run([] { return *nowhere; });
}

PLAIN_TEST("another fault is named, unless the program has a handler, and does what it always did") {
  const child_result plain = run_child("reads through null in a fiber");
  CHECK(plain.signal == SIGSEGV);
  CHECK(starts_with(plain.err, "[signal SIGSEGV: segmentation violation code=0x1 addr=(nil)]\n\nfiber 1 [running]:\n"));
  CHECK(contains(plain.err, "the main fiber\n"));
  CHECK(run_child("reads through null, with a handler").exited_with(9));
}

#endif
