// sync::cond (docs/go-semantics.md, CO1).
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <iterator>
#include <mutex>
#include <new>
#include <shared_mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "inside.hpp"

using namespace gossamer;
using support::await_parked;
using support::crew;
using support::eventually;
using support::scale;
using steady = std::chrono::steady_clock;

namespace {

constinit sync::cond global_cond;  // usable before main()

}  // namespace

FIBER_TEST("CO1: signal wakes the longest waiter") {
  sync::mutex mu;
  sync::cond changed;
  std::vector<int> order;  // guarded by mu
  constexpr int waiters = 8;
  crew all;
  for (int i = 0; i < waiters; ++i) {
    all.go([&, i] {
      const std::scoped_lock lock(mu);
      changed.wait(mu);
      order.push_back(i);
    });
    CHECK(await_parked(wait_reason::cond_wait, i + 1));
  }
  for (std::size_t i = 1; i <= waiters; ++i) {
    changed.signal();
    CHECK(eventually([&] {
      const std::scoped_lock lock(mu);
      return order.size() == i;
    }));
  }
  all.join();
  CHECK(order == std::vector{0, 1, 2, 3, 4, 5, 6, 7});
}

FIBER_TEST("CO1: nobody returns without a signal, and a signal wakes one") {
  sync::mutex mu;
  sync::cond changed;
  std::atomic<int> passed = 0;
  crew all;
  for (int i = 0; i < 6; ++i) {
    all.go([&] {
      std::unique_lock lock(mu);
      changed.wait(lock);
      passed += lock.owns_lock();
    });
  }
  CHECK(await_parked(wait_reason::cond_wait, 6));
  for (int woken = 1; woken <= 3; ++woken) {
    changed.notify_one();
    CHECK(eventually([&] { return passed == woken; }));
    for (int i = 0; i < 100; ++i) {
      mu.lock();
      mu.unlock();
      runtime::gosched();
    }
    CHECK(passed == woken);
  }
  changed.notify_all();
  all.join();
  CHECK(passed == 6);
}

FIBER_TEST("CO1: signals are not remembered") {
  sync::mutex mu;
  sync::cond changed;
  changed.signal();
  changed.broadcast();
  global_cond.signal();
  const std::scoped_lock lock(mu);
  CHECK(!changed.wait_for(mu, 2ms));
}

FIBER_TEST("CO1: broadcast wakes all that wait at the call, and no later one") {
  sync::mutex mu;
  sync::cond changed;
  std::atomic<int> passed = 0;
  constexpr int waiters = 20;
  crew all;
  for (int i = 0; i < waiters; ++i) {
    all.go([&] {
      mu.lock();
      changed.wait(mu);
      ++passed;
      if (passed == waiters) {
        changed.wait(mu);  // waits again: this is after the call
        ++passed;
      }
      mu.unlock();
    });
  }
  CHECK(await_parked(wait_reason::cond_wait, waiters));
  {
    const std::scoped_lock lock(mu);
    changed.broadcast();
  }
  CHECK(eventually([&] { return passed == waiters; }));
  CHECK(await_parked(wait_reason::cond_wait, 1));
  CHECK(passed == waiters);
  changed.signal();
  all.join();
  CHECK(passed == waiters + 1);
}

FIBER_TEST("CO1: what changed under the lock is seen, and no wake-up is lost") {
  sync::mutex mu;
  sync::cond filled, emptied;
  int stored = 0;  // guarded by mu, as all of these
  long sum = 0;
  const int rounds = scale(10'000);
  constexpr int fibers = 4;
  crew all;
  for (int i = 0; i < fibers; ++i) {
    all.go([&] {
      for (int n = 0; n < rounds; ++n) {
        std::unique_lock lock(mu);
        emptied.wait(lock, [&] { return stored < 3; });
        ++stored;
        filled.signal();
      }
    });
    all.go([&, i] {
      for (int n = 0; n < rounds; ++n) {
        mu.lock();
        while (stored == 0) {
          filled.wait(mu);
        }
        --stored;
        ++sum;
        mu.unlock();
        emptied.signal();  // without the lock
        if ((n + i) % 32 == 0) {
          runtime::gosched();
        }
      }
    });
  }
  all.join();
  CHECK(sum == static_cast<long>(fibers) * rounds);
  CHECK(stored == 0);
}

FIBER_TEST("a cond works on either side of an rw_mutex, and with a lock of one's own") {
  sync::rw_mutex mu;
  sync::cond changed;
  bool ready = false;  // guarded by mu
  std::atomic<int> passed = 0;
  crew all;
  for (int i = 0; i < 3; ++i) {
    all.go([&] {
      std::shared_lock lock(mu);
      changed.wait(lock, [&] { return ready; });
      ++passed;
    });
    all.go([&] {
      mu.lock();
      while (!ready) {
        changed.wait(mu);
      }
      ++passed;
      mu.unlock();
    });
  }
  struct pair_of_locks {
    sync::rw_mutex& second;
    sync::mutex first{};
    void lock() {
      first.lock();
      second.lock_shared();
    }
    void unlock() {
      second.unlock_shared();
      runtime::gosched();  // unlocking may take its time
      first.unlock();
    }
  } both{mu};
  all.go([&] {
    const std::scoped_lock lock(both);
    passed += changed.wait_for(both, 1h, [&] { return ready; });
  });
  CHECK(await_parked(wait_reason::cond_wait, 7));
  mu.lock();
  ready = true;
  mu.unlock();
  changed.broadcast();
  all.join();
  CHECK(passed == 7);
}

FIBER_TEST("a timed wait that times out returns false, never early, and holds the lock") {
  sync::mutex mu;
  sync::cond changed;
  std::unique_lock lock(mu);
  for (const auto d : {0us, 1us, 300us, 3000us}) {
    const auto begin = steady::now();
    CHECK(!changed.wait_for(lock, d));
    CHECK(steady::now() - begin >= d);
    CHECK(!changed.wait_until(lock, steady::now() + d));
    CHECK(!mu.try_lock());
    CHECK(!changed.wait_for(lock, d, [] { return false; }));
    CHECK(changed.wait_until(lock, steady::now() + d, [] { return true; }));
  }
  CHECK(!changed.wait_for(lock, -1h));
  CHECK(!changed.wait_until(lock, std::chrono::system_clock::now() + 1ms));
}

FIBER_TEST("a waiter that times out takes nobody's signal, wherever it stood") {
  for (int quitter = 0; quitter < 4; ++quitter) {
    sync::mutex mu;
    sync::cond changed;
    std::atomic<int> passed = 0, expired = 0;
    crew all;
    for (int i = 0; i < 4; ++i) {
      all.go([&, i] {
        const std::scoped_lock lock(mu);
        ++(changed.wait_for(mu, i == quitter ? std::chrono::nanoseconds(2ms) : 1h) ? passed : expired);
      });
    }
    CHECK(eventually([&] { return expired == 1; }));
    CHECK(await_parked(wait_reason::cond_wait, 3));
    for (int i = 1; i <= 3; ++i) {
      changed.signal();
      CHECK(eventually([&] { return passed == i; }));
    }
    all.join();
    CHECK(expired == 1);
  }
}

FIBER_TEST("time-outs beside signals: every signal is somebody's who waits, and none is taken twice") {
  sync::mutex mu;
  sync::cond changed;
  long offered = 0, taken = 0;  // guarded by mu
  const int rounds = scale(3000);
  std::atomic<int> left = 6;
  crew all;
  for (int i = 0; i < 6; ++i) {
    all.go([&, i] {
      for (int n = 0; n < rounds; ++n) {
        std::unique_lock lock(mu);
        if (i % 2 == 0) {
          changed.wait_for(lock, std::chrono::microseconds((n * 7 + i) % 40));
        } else {
          changed.wait(lock, [&] { return offered > taken; });
          ++taken;
        }
      }
      --left;
    });
  }
  all.go([&] {
    while (left > 0) {
      {
        const std::scoped_lock lock(mu);
        ++offered;
        // A signal may be a timed waiter's, who does not take what is offered: so it is for all.
        changed.broadcast();
      }
      changed.signal();
      runtime::gosched();
    }
  });
  all.join();
  CHECK(taken == 3L * rounds);
}

FIBER_TEST("one signal beside time-outs wakes one at most, and all come back") {
  int wrong = 0;
  for (int round = 0; round < scale(3000); ++round) {
    sync::mutex mu;
    sync::cond changed;
    std::atomic<int> told = 0, expired = 0;
    crew all;
    for (int i = 0; i < 2; ++i) {
      all.go([&, i] {
        const std::scoped_lock lock(mu);
        ++(changed.wait_for(mu, std::chrono::microseconds(round % 30 + 5 * i)) ? told : expired);
      });
    }
    runtime::gosched();
    changed.signal();
    all.join();
    wrong += told > 1 || told + expired != 2;
  }
  CHECK(wrong == 0);
}

FIBER_TEST("a wait whose unlock throws waits for nothing") {
  struct broken {
    void lock() {}
    void unlock() { throw std::runtime_error("stuck"); }
  } lock;
  sync::cond changed;
  CHECK_THROWS_AS(changed.wait(lock), std::runtime_error);
  CHECK_THROWS_AS(changed.wait_for(lock, 1h), std::runtime_error);
  sync::mutex mu;
  std::atomic<bool> passed = false;
  crew all;
  all.go([&] {
    const std::scoped_lock hold(mu);
    changed.wait(mu);
    passed = true;
  });
  CHECK(await_parked(wait_reason::cond_wait, 1));
  changed.signal();  // for the one that does wait
  all.join();
  CHECK(passed);
}

FIBER_TEST("plain threads wait and signal too") {
  sync::mutex mu;
  sync::cond changed;
  int turn = 0;  // guarded by mu
  const int rounds = scale(500);
  const auto play = [&](int me) {
    for (int n = 0; n < rounds; ++n) {
      std::unique_lock lock(mu);
      if (n % 3 == 0) {
        while (!changed.wait_for(lock, 200us, [&] { return turn % 4 == me; })) {
        }
      } else {
        changed.wait(lock, [&] { return turn % 4 == me; });
      }
      ++turn;
      changed.broadcast();
    }
  };
  crew all;
  std::thread a(play, 0), b(play, 1);
  all.go([&] { play(2); });
  all.go([&] { play(3); });
  all.join();
  a.join();
  b.join();
  CHECK(turn == 4 * rounds);
}

namespace {

// Takes its time to unlock: a waiter has announced itself, and has not parked.
struct slow_lock {
  sync::mutex mu;
  void lock() { mu.lock(); }
  void unlock() {
    mu.unlock();
    for (int i = 0; i < 3; ++i) {
      runtime::gosched();
    }
  }
};

// A cond whose memory becomes somebody else's as soon as it is destroyed.
class short_lived_cond {
 public:
  short_lived_cond() : it_(::new(room_) sync::cond) {}
  short_lived_cond(const short_lived_cond&) = delete;
  short_lived_cond& operator=(const short_lived_cond&) = delete;
  sync::cond& operator*() { return *it_; }
  void destroy() {
    it_->~cond();
    std::memset(room_, 0x11, sizeof room_);
  }
  bool untouched() const {
    return std::all_of(std::begin(room_), std::end(room_), [](unsigned char b) { return b == 0x11; });
  }

 private:
  alignas(sync::cond) unsigned char room_[sizeof(sync::cond)];
  sync::cond* it_;
};

}  // namespace

FIBER_TEST("a cond may be destroyed by its signaller at once, wherever those are that it has signalled") {
  int touched = 0;
  for (int round = 0; round < scale(400); ++round) {
    short_lived_cond c;
    slow_lock l;
    crew all;
    std::atomic<int> waiting = 0;
    const int waiters = 1 + round % 3;
    for (int i = 0; i < waiters; ++i) {
      all.go([&] {
        l.lock();
        ++waiting;
        (*c).wait(l);
        l.unlock();
      });
    }
    CHECK(eventually([&] { return waiting == waiters; }));
    if (round % 4 == 1) {
      runtime::gosched();
    }
    l.lock();  // so each has given it up, and is in the queue
    if (round % 2 == 0) {
      (*c).broadcast();
    } else {
      for (int i = 0; i < waiters; ++i) {
        (*c).signal();
      }
    }
    c.destroy();
    l.mu.unlock();
    all.join();
    touched += !c.untouched();
  }
  CHECK(touched == 0);
}

FIBER_TEST("a broadcast is enough before a cond is destroyed, though waits end by time and by a stop beside it") {
  int touched = 0;
  for (int round = 0; round < scale(400); ++round) {
    short_lived_cond c;
    sync::mutex mu;
    crew all;
    const auto [ctx, cancel] = context::with_cancel(context::background());
    std::atomic<int> waiting = 0;
    for (int i = 0; i < 4; ++i) {
      all.go([&, i] {
        const std::scoped_lock hold(mu);
        ++waiting;
        if (i == 0) {
          (*c).wait(mu);
        } else if (i == 1) {
          (*c).wait_until(mu, ctx);
        } else {
          (*c).wait_for(mu, std::chrono::microseconds(20 * (round % 20)));
        }
      });
    }
    CHECK(eventually([&] { return waiting == 4; }));
    all.go([&] { cancel(); });
    for (int i = 0; i < round % 7; ++i) {
      runtime::gosched();
    }
    mu.lock();
    (*c).broadcast();
    c.destroy();
    mu.unlock();
    all.join();
    touched += !c.untouched();
  }
  CHECK(touched == 0);
}
