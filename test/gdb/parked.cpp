// parked: a program with a fiber in every state that a debugger is to find, at known places. It prints `ready` when all
// are there, waits for a line or the end of its input, lets all of them end, and prints `healthy`.
#include <atomic>
#include <cstdio>
#include <gossamer/debug.hpp>
#include <gossamer/gossamer.hpp>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "frame.hpp"

using namespace gossamer;

std::atomic<int> about_to_park = 0;
std::atomic<bool> finish = false;

struct things {
  chan<int> buffered = make_chan<int>(4);
  chan<std::string> unbuffered = make_chan<std::string>();
  chan<int> nothing;
  chan<int> full = make_chan<int>(1);
  chan<void> closed = make_chan<void>();
  chan<int> asleep = make_chan<int>();
  sync::mutex mu;
  sync::mutex free_mu;
  sync::rw_mutex read_mu;
  sync::rw_mutex write_mu;
  sync::wait_group group;
  sync::wait_group idle_group;
  error no_error;
  error plain = errors::make("no such port");
  error wrapped = errors::wrap(plain, "job ", 7);
  error code = std::make_error_code(std::errc::connection_refused);
  error known = context::deadline_exceeded;
  context::context none;
  context::context ctx = context::with_value(context::background(), std::string("user"), std::string("bob"));
  context::context cancelled;
  std::optional<int> some = 42;
  std::optional<int> absent;
};
things* all = nullptr;

sync::wait_group done;

template <class F, class... Args>
void start(F f, Args... args) {
  done.go(f, args...);
}

template <class F, class... Args>
void start(fiber_options how, F f, Args... args) {
  done.add(1);
  go(std::move(how), [=] {
    f(args...);
    done.done();
  });
}

// In each, `kept` is what the debugger must find.
FRAME void receives(int marker) {
  const volatile int kept = marker;
  ++about_to_park;
  all->unbuffered.recv();
  static_cast<void>(kept);
}

FRAME void sends(int marker) {
  const volatile int kept = marker;
  ++about_to_park;
  all->full << marker;
  static_cast<void>(kept);
}

FRAME void locks(int marker) {
  const volatile int kept = marker;
  ++about_to_park;
  const std::scoped_lock hold(all->mu);  // the place is a line of the standard library: who called it is shown
  static_cast<void>(kept);
}

FRAME void reads(int marker) {
  const volatile int kept = marker;
  ++about_to_park;
  all->write_mu.lock_shared();
  static_cast<void>(kept);
  all->write_mu.unlock_shared();
}

FRAME void selects(int marker) {
  const volatile int kept = marker;
  ++about_to_park;
  select(recv(all->asleep, std::ignore), recv(all->unbuffered, std::ignore));
  static_cast<void>(kept);
}

FRAME void waits(int marker) {
  const volatile int kept = marker;
  ++about_to_park;
  all->group.wait();
  static_cast<void>(kept);
}

FRAME void dozes(context::context ctx) {
  debug::set_labels({{"user", "ann"}});
  const volatile int kept = 7;
  ++about_to_park;
  time::sleep_for(10min, ctx);
  static_cast<void>(ctx.err());
  static_cast<void>(kept);
}

FRAME void inner(int depth, int marker) {
  const volatile int kept = marker + depth;
  if (depth > 0) {
    inner(depth - 1, marker);
  } else {
    receives(kept);
  }
  static_cast<void>(kept);
}

FRAME void computes(int marker) {
  const volatile int kept = marker;
  std::puts("ready");
  std::fflush(stdout);
  while (!finish) {
  }
  static_cast<void>(kept);
}

void fill(things& t, const context::context& cancelled) {
  t.buffered << 5;
  t.buffered << 6;
  t.full << 1;
  close(t.closed);
  t.mu.lock();
  t.read_mu.lock_shared();
  t.read_mu.lock_shared();
  t.write_mu.lock();
  t.group.add(3);
  t.cancelled = cancelled;
}

FRAME void just_started() { asm volatile(""); }

// For a breakpoint in just_started(): then the fiber has been started, and has not run.
void start_again_and_again() {
  for (int i = 0; i < 50; ++i) {
    go([i] {
      if (i > 100) {
        just_started();
      }
    });
    just_started();
    runtime::gosched();
  }
}

int main(int argc, char**) {
  if (argc > 1) {
    return run(start_again_and_again, {.procs = 1});
  }
  const auto body = [] {
    things t;
    all = &t;
    auto [gone, cancel_gone] = context::with_cancel_cause(context::background());
    cancel_gone(t.plain);
    fill(t, gone);
    auto [ctx, cancel] = context::with_cancel(t.ctx);
    auto go_on = make_chan<void>();
    start(receives, 1001);
    start(sends, 1002);
    start(locks, 1003);
    start(reads, 1004);
    start(selects, 1005);
    start(fiber_options{.name = "dozer"}, dozes, ctx);
    start(waits, 1006);
    start(inner, 3, 2000);
    while (about_to_park < 8) {
      runtime::gosched();
    }
    start(computes, 3000);
    std::thread([=] {
      std::getchar();
      finish = true;
      close(go_on);
    }).detach();
    go_on.recv();
    close(t.unbuffered);
    t.full.recv();
    t.full.recv();
    t.mu.unlock();
    t.write_mu.unlock();
    t.group.add(-3);
    cancel();
    done.wait();
    std::puts("healthy");
  };
  return run(body, {.procs = 1});
}
