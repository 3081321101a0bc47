// A running fiber that does not answer a dump in time: its thread has no CPU, or keeps the dump's signal back.
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <cstdio>
#include <source_location>
#include <string>

#include "child.hpp"
#include "gossamer/debug.hpp"
#include "inside.hpp"

using namespace gossamer;
using support::run_child;

#if !GOSSAMER_TSAN  // which keeps a signal back until its thread calls something that it intercepts
namespace {

std::atomic<int> urgent{0};

// Keeps SIGURG back on the calling thread until `stop`. What has come meanwhile is delivered before it returns.
[[gnu::noinline]] void is_deaf_until(const std::atomic<bool>& stop, std::atomic<bool>& deaf) {
  sigset_t one;
  ::sigemptyset(&one);
  ::sigaddset(&one, SIGURG);
  ::pthread_sigmask(SIG_BLOCK, &one, nullptr);
  deaf = true;
  while (!stop) {
    asm volatile("" : : : "memory");
  }
  ::pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
}

// Prints a dump, which asks the fiber twice and gets no answer, and the line of the fiber's last wait.
int dump_beside_a_deaf_fiber() {
  auto gate = make_chan<int>();
  auto over = make_chan<int>();
  std::atomic<bool> deaf = false, stop = false;
  std::uint_least32_t line = 0;
  go(fiber_options{.name = "deaf"}, [&, gate, over] {
    line = std::source_location::current().line() + 1;
    gate.recv();
    is_deaf_until(stop, deaf);
    const int before = urgent;
    ::raise(SIGURG);  // the program's own, which is nobody's answer
    std::printf("of the dumps %d, of the program %d\n", before, urgent - before);
    over << 0;
  });
  if (!support::await_parked(wait_reason::chan_receive, 1)) {
    return 1;
  }
  gate << 0;
  if (!support::eventually([&] { return deaf.load(); })) {
    return 1;
  }
  std::string text;
  const bool dumped = debug::dump(text) == nil;
  stop = true;
  over.recv();
  std::printf("%s\nlast wait: %u\n", text.c_str(), static_cast<unsigned>(line));
  return dumped ? 0 : 1;
}

}  // namespace

CHILD_PROGRAM("a dump beside a fiber that does not answer") {
  ::signal(SIGURG, [](int) { ++urgent; });  // before the library's handler
  return run(dump_beside_a_deaf_fiber, {.procs = 2});
}
PLAIN_TEST(
    "a running fiber that does not answer is shown with its name, its spawn site and its last wait; "
    "what was sent to it is not taken for the program's signal, nor one of the program's for what was sent") {
  const auto r = run_child("a dump beside a fiber that does not answer");
  CHECK(r.exited_with(0));
  const auto begin = r.out.find(" \"deaf\" [running]:\n");
  CHECK(begin != std::string::npos);
  if (begin != std::string::npos) {
    const std::string its = r.out.substr(begin, r.out.find("\n\n", begin) - begin);
    const std::string line = r.out.substr(r.out.find("last wait: ") + 11);
    CHECK(support::contains(its, "stack unavailable\n"));
    CHECK(support::contains(its, "late_sample_test.cpp:" + line.substr(0, line.find('\n')) + "\n"));
    CHECK(support::contains(its, "created by (anonymous namespace)::dump_beside_a_deaf_fiber() in fiber 1\n"));
  }
  CHECK(support::contains(r.out, "of the dumps 0, of the program 1\n"));
}
#endif
