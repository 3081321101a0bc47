// Whoever sees that a context is cancelled finds out why: done() and err(), and what goes by the two.
#include <signal.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>
#include <tuple>

#include <gossamer/semaphore.hpp>

#include "child.hpp"
#include "inside.hpp"

using namespace gossamer;

namespace {

// A context of another type that closes its done() before it has an err(), which it is not to do.
struct hasty final : context::interface {
  chan<void> closed = make_chan<void>();
  std::shared_ptr<std::atomic<bool>> tells = std::make_shared<std::atomic<bool>>(false);

  recv_chan<void> done() const override { return closed; }
  error err() const override { return *tells ? error(context::deadline_exceeded) : error(); }
};

}  // namespace

#if defined(__x86_64__) && !GOSSAMER_TSAN && !GOSSAMER_ASAN

namespace {

std::atomic<long> at_step{0};
std::atomic<long> stops_at{0};
std::atomic<long> asked{0};
std::atomic<long> answered{0};

// After each instruction of a cancellation: at one of them the other thread has its turn. It may have to wait for a
// lock that is held here, so this goes on after a while.
void on_step(int) {
  if (++at_step != stops_at) {
    return;
  }
  const long mine = ++asked;
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(5);
  while (answered < mine && std::chrono::steady_clock::now() < until) {
  }
}

void set_trap_flag(bool on) {
  if (on) {
    asm volatile("sub $256, %%rsp; pushfq; orq $0x100, (%%rsp); popfq; add $256, %%rsp" ::: "memory", "cc");
  } else {
    asm volatile("sub $256, %%rsp; pushfq; andq $~0x100, (%%rsp); popfq; add $256, %%rsp" ::: "memory", "cc");
  }
}

}  // namespace

CHILD_PROGRAM("looks at a context beside each step of its cancellation") {
  struct sigaction stepping{};
  stepping.sa_handler = on_step;
  ::sigaction(SIGTRAP, &stepping, nullptr);
  semaphore::weighted taken(1);
  if (taken.acquire(context::background(), 1)) {
    return 2;
  }
  std::atomic<bool> over{false};
  std::atomic<bool> acquires{false};
  std::atomic<int> wrong{0};
  context::context ctx;
  std::thread other([&] {
    for (long n = 1;; ++n) {
      while (asked < n) {
      }
      if (over) {
        return;
      }
      // For the first time: nobody has asked it for done() before.
      if (acquires) {
        wrong += taken.acquire(ctx, 1) ? 0 : 1;
      } else {
        wrong += wait::stop(ctx).is_set() && !ctx.err() ? 1 : 0;
      }
      ++answered;
    }
  });
  long steps = 0;
  for (const bool acquire : {false, true}) {
    acquires = acquire;
    for (long k = 1;; ++k) {
      context::cancel_func cancel;
      std::tie(ctx, cancel) = context::with_cancel(context::background());
      at_step = 0;
      stops_at = k;
      set_trap_flag(true);
      cancel();
      set_trap_flag(false);
      if (at_step < k) {
        break;
      }
      ++steps;
      while (answered < asked) {
      }
    }
  }
  over = true;
  ++asked;
  other.join();
  return steps < 20 ? 3 : wrong == 0 ? 42 : 1;
}
PLAIN_TEST("at no step of a cancellation is done() closed and err() nil, or acquire() content with no tokens") {
  CHECK(support::run_child("looks at a context beside each step of its cancellation").exited_with(42));
}

#endif

FIBER_TEST("a context whose type closes done() too early is cancelled all the same, and so is what comes from it") {
  const hasty early;
  const context::context ctx = early;
  semaphore::weighted one(1);
  CHECK(!ctx.err());
  CHECK(one.acquire(ctx, 1) == nil);
  CHECK(one.try_acquire(1) == false);
  close(early.closed);
  CHECK(ctx.err() == context::canceled);
  CHECK(context::cause(ctx) == context::canceled);
  CHECK(one.acquire(ctx, 1) == context::canceled);
  CHECK(one.acquire(ctx, 2) == context::canceled);
  const auto [child, cancel] = context::with_cancel(ctx);
  CHECK(child.err() == context::canceled);
  CHECK(context::with_value(ctx, 1, 2).err() == context::canceled);
  *early.tells = true;
  CHECK(ctx.err() == context::deadline_exceeded);
  cancel();
}

FIBER_TEST("who waits for tokens while such a context ends gets an error, and no tokens") {
  const hasty early;
  const context::context ctx = early;
  semaphore::weighted one(1);
  CHECK(one.acquire(context::background(), 1) == nil);
  auto got = make_chan<error>();
  go([&, got] { got << one.acquire(ctx, 1); });
  CHECK(support::await_parked(wait_reason::cond_wait, 1));
  close(early.closed);
  CHECK(*got == context::canceled);
  one.release(1);
  CHECK(one.try_acquire(1));
}
