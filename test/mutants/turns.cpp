// Who goes next in an rw_mutex, and whom a signal finds. Kills: hand-overs to the wrong one or to nobody, writers that
// give up and leave the readers waiting that they held up, signals that are lost between a waiter's queue and its park.
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "check.hpp"

namespace {

using namespace gossamer;
using check::expect;

constexpr int fibers = 10;
constexpr auto duration = 800ms;
constexpr auto ages = 3s;  // nobody waits that long unless he is forgotten

// Yields until that many have begun, and then some more, so that they wait.
void let_come(const std::atomic<int>& begun, int n) {
  while (begun != n) {
    runtime::gosched();
  }
  time::sleep(2ms);
}

void readers_before_the_next_writer() {
  sync::rw_mutex mu;
  sync::wait_group all;
  std::atomic<int> begun = 0, read = 0;
  mu.lock();
  for (int i = 0; i < 3; ++i) {
    all.go([&] {
      ++begun;
      expect(mu.try_lock_shared_for(ages), "readers that wait get in");
      ++read;
      mu.unlock_shared();
    });
  }
  all.go([&] {
    ++begun;
    expect(mu.try_lock_for(ages), "a writer that waits gets in");
    expect(read == 3, "readers that were waiting when the writer unlocks go before the next writer");
    mu.unlock();
  });
  let_come(begun, 4);
  mu.unlock();
  all.wait();
}

void a_writer_after_the_last_reader() {
  sync::rw_mutex mu;
  sync::wait_group all;
  std::atomic<int> begun = 0;
  mu.lock_shared();
  mu.lock_shared();
  all.go([&] {
    ++begun;
    expect(mu.try_lock_for(ages), "the last reader lets the writer in");
    mu.unlock();
  });
  let_come(begun, 1);
  mu.unlock_shared();
  mu.unlock_shared();
  all.wait();
}

void readers_after_a_writer_that_gave_up() {
  sync::rw_mutex mu;
  sync::wait_group all;
  std::atomic<int> begun = 0;
  mu.lock_shared();
  all.go([&] {
    ++begun;
    expect(!mu.try_lock_for(20ms), "a writer waits for the reader");
  });
  const auto begin = check::clock::now();
  while (mu.try_lock_shared()) {
    mu.unlock_shared();
    expect(check::clock::now() - begin < ages, "a waiting writer stops new readers");
    runtime::gosched();  // the writer is not there yet
  }
  for (int i = 0; i < 3; ++i) {
    all.go([&] {
      expect(mu.try_lock_shared_for(ages), "a writer that gives up lets the readers go that it held up");
      mu.unlock_shared();
    });
  }
  all.wait();
  mu.unlock_shared();
}

// A lock that is slow to give up: whoever waits is in the queue long before it parks.
struct slow_lock {
  sync::mutex its;
  void lock() { its.lock(); }
  void unlock() {
    its.unlock();
    runtime::gosched();
    runtime::gosched();
  }
};

void signals_before_the_park() {
  slow_lock mu;
  sync::cond changed;
  sync::wait_group all;
  int waiting = 0, told = 0;  // guarded by mu
  for (int i = 0; i < 20; ++i) {
    all.go([&] {
      mu.its.lock();
      ++waiting;
      expect(changed.wait_for(mu, ages), "a signal is not lost to one who is about to park");
      ++told;
      mu.its.unlock();
    });
  }
  for (int sent = 0; sent < 20;) {
    mu.its.lock();
    const bool somebody = waiting > sent;
    mu.its.unlock();
    if (somebody) {
      changed.signal();
      ++sent;
    }
    runtime::gosched();
  }
  all.wait();
  expect(told == 20, "each signal wakes one");
}

struct account {
  sync::rw_mutex guard;
  std::atomic<int> readers{0}, writers{0};
};

void contend(account& a, std::uint64_t seed, bool fiber) {
  base::rng r(seed);
  for (const auto end = check::clock::now() + duration; check::clock::now() < end;) {
    const bool writes = r.below(3) == 0;
    const std::chrono::nanoseconds patience = r.below(3) == 0 ? std::chrono::nanoseconds(60s) : check::up_to(r, 120);
    if (writes ? !a.guard.try_lock_for(patience) : !a.guard.try_lock_shared_for(patience)) {
      expect(patience < 1s, "nobody is forgotten");
      continue;
    }
    ++(writes ? a.writers : a.readers);
    expect(a.writers == (writes ? 1 : 0), "a writer is alone");
    expect(!writes || a.readers == 0, "readers and writers exclude each other");
    if (r.below(3) == 0) {
      time::sleep(check::up_to(r, 100));
    } else if (fiber) {
      runtime::gosched();
    }
    --(writes ? a.writers : a.readers);
    writes ? a.guard.unlock() : a.guard.unlock_shared();
  }
}

void run_at(int procs) {
  auto its = std::make_unique<account>();
  std::thread outsider([&] { contend(*its, 77, false); });
  run(
      [&] {
        readers_before_the_next_writer();
        a_writer_after_the_last_reader();
        readers_after_a_writer_that_gave_up();
        signals_before_the_park();
        sync::wait_group all;
        for (int i = 0; i < fibers; ++i) {
          all.go([&, i] { contend(*its, static_cast<std::uint64_t>(i), true); });
        }
        all.wait();
      },
      {.procs = procs});
  outsider.join();
  expect(its->guard.try_lock(), "nobody holds it, nor waits for it");
}

}  // namespace

int main() {
  run_at(1);
  run_at(3);
}
