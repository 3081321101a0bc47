// sync::mutex (docs/go-semantics.md, MU1 to MU3).
#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

#include "child.hpp"
#include "inside.hpp"

using namespace gossamer;
using support::await_parked;
using support::child_result;
using support::eventually;
using support::run_child;
using support::scale;
using support::spin_for;
using support::starts_with;
using steady = std::chrono::steady_clock;

namespace {

constinit sync::mutex global_mutex;  // usable before main()

}  // namespace

FIBER_TEST("MU1: a mutex has one holder at a time") {
  sync::mutex mu;
  int count = 0, inside = 0;  // guarded by mu
  int crowded = 0;
  constexpr int fibers = 8;
  const int rounds = scale(20'000);
  sync::wait_group all;
  all.add(fibers);
  for (int i = 0; i < fibers; ++i) {
    go([&, i] {
      for (int n = 0; n < rounds; ++n) {
        mu.lock();
        crowded += ++inside != 1;
        ++count;
        if ((n + i) % 16 == 0) {
          runtime::gosched();  // the others must park
        }
        --inside;
        mu.unlock();
      }
      all.done();
    });
  }
  all.wait();
  CHECK(count == fibers * rounds);
  CHECK(crowded == 0);
}

FIBER_TEST("MU1: try_lock fails while the mutex is held, by whomever, and is not reentrant") {
  sync::mutex mu;
  CHECK(mu.try_lock());
  CHECK(!mu.try_lock());
  CHECK(!mu.try_lock_for(0s));
  CHECK(!mu.try_lock_for(-1h));
  CHECK(!mu.try_lock_until(steady::now() - 1s));
  auto result = make_chan<bool>();
  go([&] { result << mu.try_lock(); });
  CHECK(!*result);
  mu.unlock();
  go([&] { result << mu.try_lock(); });
  CHECK(*result);
  CHECK(!mu.try_lock());
  mu.unlock();
  CHECK(mu.try_lock_until(steady::now() - 1s));  // free: the time does not matter
  mu.unlock();
}

FIBER_TEST("MU1: lock blocks until the holder unlocks") {
  sync::mutex mu;
  mu.lock();
  std::atomic<bool> got = false;
  go([&] {
    mu.lock();
    got = true;
    mu.unlock();
  });
  CHECK(await_parked(wait_reason::mutex_lock, 1));
  CHECK(!got);
  mu.unlock();
  CHECK(eventually([&] { return got.load(); }));
  mu.lock();
  mu.unlock();
}

FIBER_TEST("MU1: any fiber or thread may unlock") {
  sync::mutex mu;
  for (int i = 0; i < 20; ++i) {
    mu.lock();
    if (i % 2 == 0) {
      go([&] { mu.unlock(); });
    } else {
      std::thread([&] { mu.unlock(); }).join();
    }
    mu.lock();
    mu.unlock();
  }
  CHECK(mu.try_lock());
  mu.unlock();
}

FIBER_TEST("waiters that nobody overtakes get the mutex in the order in which they came") {
  constexpr int waiting = 10;
  sync::mutex mu;
  mu.lock();
  std::vector<int> order;  // guarded by mu
  for (int i = 0; i < waiting; ++i) {
    go([&, i] {
      mu.lock();
      order.push_back(i);
      mu.unlock();
    });
    CHECK(await_parked(wait_reason::mutex_lock, i + 1));
  }
  mu.unlock();
  const auto all_served = [&] {
    const std::scoped_lock lock(mu);
    return order.size() == waiting;
  };
  // Not before they are done: this lock would overtake them.
  CHECK(await_parked(wait_reason::mutex_lock, 0));
  CHECK(eventually(all_served));
  bool sorted = true;
  for (int i = 0; i < waiting; ++i) {
    sorted = sorted && order[static_cast<std::size_t>(i)] == i;
  }
  CHECK(sorted);
}

FIBER_TEST("MU2: 10 locks against a fiber that hogs the mutex for 100 us at a time succeed") {
  for (const bool sleeps : {true, false}) {
    if (!sleeps && support::width() == 1) {
      continue;  // the hog would keep the only worker too
    }
    sync::mutex mu;
    std::atomic<bool> stop = false;
    sync::wait_group hog;
    hog.add(1);
    go([&] {
      while (!stop) {
        mu.lock();
        if (sleeps) {
          time::sleep(100us);
        } else {
          spin_for(100us);
        }
        mu.unlock();
      }
      hog.done();
    });
    const auto begin = steady::now();
    for (int i = 0; i < 10; ++i) {
      time::sleep(100us);
      mu.lock();
      mu.unlock();
    }
    CHECK(steady::now() - begin < 10s);
    stop = true;
    hog.wait();
  }
}

FIBER_TEST("MU2: several starving waiters are all served while two fibers hog the mutex") {
  sync::mutex mu;
  std::atomic<bool> stop = false;
  sync::wait_group hogs, victims;
  hogs.add(2);
  victims.add(4);
  std::array<std::atomic<int>, 4> served{};
  for (int i = 0; i < 2; ++i) {
    go([&] {
      while (!stop) {
        mu.lock();
        time::sleep(200us);
        mu.unlock();
      }
      hogs.done();
    });
  }
  for (auto& mine : served) {
    go([&] {
      for (int n = 0; n < 5; ++n) {
        mu.lock();
        ++mine;
        mu.unlock();
        runtime::gosched();
      }
      victims.done();
    });
  }
  CHECK(victims.wait_for(support::patience));
  stop = true;
  victims.wait();
  hogs.wait();
  for (const auto& n : served) {
    CHECK(n == 5);
  }
  // The mutex is back to normal.
  CHECK(mu.try_lock());
  mu.unlock();
}

FIBER_TEST("MU1, MU2: a starving mutex goes to its waiter, and try_lock fails although nobody holds it yet") {
  for (int round = 0; round < 5; ++round) {
    sync::mutex mu;
    mu.lock();
    std::atomic<bool> served = false;
    go([&] {
      mu.lock();
      served = true;
      mu.unlock();
    });
    CHECK(await_parked(wait_reason::mutex_lock, 1));
    // Overtake the waiter until it is handed the mutex: 1 ms after it came, or a little later.
    const auto limit = steady::now() + support::patience;
    while (steady::now() < limit) {
      spin_for(500us);
      mu.unlock();
      if (!mu.try_lock()) {
        break;
      }
      if (served) {  // the waiter came in between after all, and has left
        mu.unlock();
        break;
      }
      runtime::gosched();  // the waiter tries in vain
    }
    CHECK(steady::now() < limit);
    CHECK(eventually([&] { return served.load(); }));
    CHECK(eventually([&] { return mu.try_lock(); }));
    mu.unlock();
  }
}

FIBER_TEST("the standard's locks work") {
  sync::mutex a, b;
  long count = 0;  // guarded by both
  sync::wait_group all;
  constexpr int fibers = 6;
  const int rounds = scale(5000);
  all.add(fibers);
  for (int i = 0; i < fibers; ++i) {
    go([&, i] {
      for (int n = 0; n < rounds; ++n) {
        if (i % 3 == 0) {
          const std::scoped_lock both(a, b);
          ++count;
        } else if (i % 3 == 1) {
          const std::scoped_lock both(b, a);
          ++count;
          runtime::gosched();
        } else {
          std::unique_lock first(a, std::defer_lock);
          std::unique_lock second(b, std::defer_lock);
          std::lock(first, second);
          ++count;
        }
      }
      all.done();
    });
  }
  all.wait();
  CHECK(count == fibers * rounds);
  std::unique_lock lock(a);
  CHECK(lock.owns_lock());
  std::unique_lock again(a, std::try_to_lock);
  CHECK(!again.owns_lock());
  std::unique_lock timed(a, 1ms);
  CHECK(!timed.owns_lock());
  lock.unlock();
  CHECK(timed.try_lock_for(1ms));
  const std::lock_guard guard(global_mutex);
}

FIBER_TEST("a timed lock that times out returns false, never early, and does not hold the mutex") {
  sync::mutex mu;
  mu.lock();
  for (const auto d : {1us, 200us, 3000us}) {
    const auto begin = steady::now();
    CHECK(!mu.try_lock_for(d));
    CHECK(steady::now() - begin >= d);
    const auto until = steady::now() + d;
    CHECK(!mu.try_lock_until(until));
    CHECK(steady::now() >= until);
  }
  mu.unlock();
  CHECK(mu.try_lock());
  mu.unlock();
}

FIBER_TEST("a timed lock gets the mutex when it is unlocked in time, and a maximal duration does not overflow") {
  sync::mutex mu;
  mu.lock();
  std::atomic<int> got = 0;
  const auto take = [&](bool ok) {
    if (ok) {
      mu.unlock();
    }
    got += ok;
  };
  go([&] { take(mu.try_lock_for(1h)); });
  go([&] { take(mu.try_lock_for(std::chrono::hours::max())); });
  go([&] { take(mu.try_lock_until(steady::time_point::max())); });
  CHECK(await_parked(wait_reason::mutex_lock, 3));
  CHECK(got == 0);
  mu.unlock();
  CHECK(eventually([&] { return got == 3; }));
}

FIBER_TEST("a waiter that times out takes nobody's turn, wherever it stood") {
  for (int quitter = 0; quitter < 4; ++quitter) {
    sync::mutex mu;
    mu.lock();
    std::atomic<int> served = 0, expired = 0;
    for (int i = 0; i < 4; ++i) {
      go([&, i] {
        if (i != quitter) {
          mu.lock();
        } else if (!mu.try_lock_for(2ms)) {
          ++expired;
          return;
        }
        mu.unlock();
        ++served;
      });
    }
    CHECK(eventually([&] { return expired == 1; }));
    CHECK(await_parked(wait_reason::mutex_lock, 3));
    CHECK(served == 0);
    mu.unlock();
    CHECK(eventually([&] { return served == 3; }));
  }
}

FIBER_TEST("time-outs beside unlocks lose no wake-up") {
  sync::mutex mu;
  long count = 0;  // guarded by mu
  std::atomic<long> locks = 0;
  constexpr int fibers = 8;
  const int rounds = scale(4000);
  sync::wait_group all;
  all.add(fibers);
  for (int i = 0; i < fibers; ++i) {
    go([&, i] {
      for (int n = 0; n < rounds; ++n) {
        if (i % 2 == 0) {
          mu.lock();
        } else if (!mu.try_lock_for(std::chrono::microseconds((n * 7 + i) % 50))) {
          continue;
        }
        ++count;
        ++locks;
        if (n % 8 == 0) {
          runtime::gosched();
        } else if (n % 64 == 1) {
          spin_for(20us);
        }
        mu.unlock();
      }
      all.done();
    });
  }
  all.wait();
  CHECK(count == locks);
  CHECK(count >= fibers / 2 * rounds);
  CHECK(mu.try_lock());
  mu.unlock();
}

FIBER_TEST("a starving mutex is not lost when the waiter that is owed it times out") {
  sync::mutex mu;
  for (int round = 0; round < scale(100); ++round) {
    mu.lock();
    sync::wait_group all;
    all.add(3);
    for (int i = 0; i < 3; ++i) {
      go([&, i] {
        if (mu.try_lock_for(std::chrono::microseconds(1200 + 300 * i))) {
          spin_for(50us);
          mu.unlock();
        }
        all.done();
      });
    }
    for (int n = 0; n < 4; ++n) {  // overtake them, so that they starve
      spin_for(500us);
      mu.unlock();
      mu.lock();
    }
    mu.unlock();
    all.wait();
    if (!mu.try_lock_for(5s)) {
      FAIL_CHECK("nobody holds the mutex, but it cannot be taken");
      break;
    }
    mu.unlock();
  }
}

FIBER_TEST("fibers and plain threads exclude each other") {
  sync::mutex mu;
  long count = 0;  // guarded by mu
  const int rounds = scale(10'000);
  sync::wait_group all;
  all.add(6);
  std::vector<std::thread> threads;
  const auto work = [&] {
    for (int n = 0; n < rounds; ++n) {
      if (n % 4 == 0) {
        while (!mu.try_lock_for(100us)) {
        }
      } else {
        mu.lock();
      }
      ++count;
      if (n % 32 == 0) {
        runtime::gosched();
      }
      mu.unlock();
    }
    all.done();
  };
  for (int i = 0; i < 3; ++i) {
    go(work);
    threads.emplace_back(work);
  }
  all.wait();
  for (std::thread& t : threads) {
    t.join();
  }
  CHECK(count == 6L * rounds);
}

CHILD_PROGRAM("unlock by nobody") {
  return run([] {
    sync::mutex mu;
    try {
      mu.unlock();
    } catch (...) {
    }
    return 9;
  });
}
CHILD_PROGRAM("unlock twice, on a thread") {
  sync::mutex mu;
  mu.lock();
  mu.unlock();
  try {
    mu.unlock();
  } catch (...) {
  }
  return 9;
}
PLAIN_TEST("MU3: to unlock an unlocked mutex is fatal, and cannot be caught") {
  for (const char* program : {"unlock by nobody", "unlock twice, on a thread"}) {
    const child_result r = run_child(program);
    CHECK(r.exited_with(2));
    CHECK(starts_with(r.err, "fatal error: sync: unlock of unlocked mutex\n"));
  }
}
