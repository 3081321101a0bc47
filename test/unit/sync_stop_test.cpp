// Waits that a stop ends: the forms of mutex, rw_mutex, wait_group and cond that take a wait::stop, which the receiving
// end of a channel converts to.
#include <atomic>
#include <chrono>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <utility>
#include <vector>

#include "blocking_calls.hpp"

using namespace gossamer;
using support::await_parked;
using support::blocking_call;
using support::blocking_calls;
using support::busy_objects;
using support::crew;
using support::eventually;
using support::forgotten;
using support::scale;

FIBER_TEST("a blocking call with a stop returns false once the stop is set") {
  for (const blocking_call& it : blocking_calls) {
    busy_objects o;
    auto stop = make_chan<void>();
    std::atomic<int> ended = 0, true_ones = 0;
    crew all;
    for (int i = 0; i < 4; ++i) {
      all.go([&] {
        true_ones += it.call(o, stop);
        ++ended;
      });
    }
    std::thread thread([&] {
      true_ones += it.call(o, stop);
      ++ended;
    });
    CHECK(await_parked(it.reason, 4));
    CHECK(support::await_receivers(stop, 5));
    CHECK(ended == 0);
    close(stop);
    all.join();
    thread.join();
    CHECK(ended == 5);
    CHECK(true_ones == 0);
    CHECK(forgotten(stop));
  }
}

FIBER_TEST("a blocking call with a stop that is set already returns false at once") {
  for (const blocking_call& it : blocking_calls) {
    busy_objects o;
    auto stop = make_chan<void>();
    close(stop);
    CHECK(!it.call(o, stop));
    bool on_thread = true;
    std::thread([&] { on_thread = it.call(o, stop); }).join();
    CHECK(!on_thread);
  }
}

FIBER_TEST("what can be had at once is, whether the stop is set or not, and no stop is nil") {
  for (const bool set : {false, true}) {
    auto ch = make_chan<void>();
    const recv_chan<void> stop = ch;
    if (set) {
      close(ch);
    }
    sync::mutex mu;
    CHECK(mu.try_lock_until(stop));
    mu.unlock();
    sync::rw_mutex rw;
    CHECK(rw.try_lock_until(stop));
    rw.unlock();
    CHECK(rw.try_lock_shared_until(stop));
    CHECK(rw.try_lock_shared_until(recv_chan<void>()));
    rw.unlock_shared();
    rw.unlock_shared();
    sync::wait_group wg;
    CHECK(wg.wait_until(stop));
    CHECK(wg.wait_until(wait::stop()));
    sync::cond changed;
    CHECK(changed.wait_until(mu, stop, [] { return true; }));
  }
}

FIBER_TEST("a call with a stop that is not set ends as without one, and leaves the stop") {
  auto stop = make_chan<void>();
  busy_objects o;
  std::atomic<int> got = 0;
  crew all;
  all.go([&] {
    got += o.mu.try_lock_until(stop);
    o.mu.unlock();
  });
  all.go([&] {
    got += o.read.try_lock_until(stop);
    o.read.unlock();
  });
  all.go([&] {
    got += o.written.try_lock_shared_until(stop);
    o.written.unlock_shared();
  });
  all.go([&] { got += o.wg.wait_until(stop); });
  all.go([&] {
    const std::scoped_lock lock(o.of_cond);
    got += o.changed.wait_until(o.of_cond, stop);
  });
  std::thread thread([&] { got += o.wg.wait_until(recv_chan<void>()); });
  CHECK(support::await_receivers(stop, 5));
  CHECK(got == 0);
  o.mu.unlock();
  o.read.unlock_shared();
  o.written.unlock();
  o.wg.done();
  CHECK(await_parked(wait_reason::cond_wait, 1));
  o.changed.signal();
  all.join();
  thread.join();
  CHECK(got == 6);
  CHECK(forgotten(stop));
}

FIBER_TEST("a waiter that is stopped takes nobody's turn, wherever it stood") {
  for (int quitter = 0; quitter < 4; ++quitter) {
    auto stop = make_chan<void>();
    busy_objects o;
    std::atomic<int> served = 0, stopped = 0;
    crew all;
    for (int i = 0; i < 4; ++i) {
      const wait::stop s = i == quitter ? wait::stop(stop) : wait::stop();
      all.go([&, s] {
        if (o.mu.try_lock_until(s)) {
          ++served;
          o.mu.unlock();
        } else {
          ++stopped;
        }
      });
      all.go([&, s] {
        const std::scoped_lock lock(o.of_cond);
        ++(o.changed.wait_until(o.of_cond, s) ? served : stopped);
      });
      all.go([&, s] {
        if (o.written.try_lock_shared_until(s)) {
          ++served;
          o.written.unlock_shared();
        } else {
          ++stopped;
        }
      });
      CHECK(await_parked(wait_reason::mutex_lock, i + 1));
      CHECK(await_parked(wait_reason::cond_wait, i + 1));
      CHECK(await_parked(wait_reason::rw_mutex_rlock, i + 1));
    }
    close(stop);
    CHECK(eventually([&] { return stopped == 3; }));
    CHECK(served == 0);
    o.mu.unlock();
    o.written.unlock();
    for (int i = 0; i < 3; ++i) {
      o.changed.signal();
    }
    all.join();
    CHECK(served == 9);
    CHECK(stopped == 3);
  }
}

FIBER_TEST("a writer that is stopped lets the readers go that it held up") {
  sync::rw_mutex mu;
  auto stop = make_chan<void>();
  std::atomic<int> in = 0;
  crew all;
  mu.lock_shared();
  all.go([&] { in += mu.try_lock_until(stop); });
  CHECK(await_parked(wait_reason::rw_mutex_lock, 1));
  for (int i = 0; i < 3; ++i) {
    all.go([&] {
      const std::shared_lock lock(mu);
      ++in;
    });
  }
  CHECK(await_parked(wait_reason::rw_mutex_rlock, 3));
  CHECK(in == 0);
  close(stop);
  all.join();  // beside the first reader
  CHECK(in == 3);
  mu.unlock_shared();
  CHECK(mu.try_lock());
  mu.unlock();
}

FIBER_TEST("a lock handed over as the stop is set is held or passed on, never lost") {
  int wrong = 0;
  for (int round = 0; round < scale(2000); ++round) {
    auto stop = make_chan<void>();
    sync::mutex mu;
    sync::rw_mutex rw;
    sync::wait_group wg;
    bool inside = false;  // guarded by mu
    std::atomic<bool> done = false;
    std::atomic<int> bad = 0;
    mu.lock();
    if (round % 2 == 0) {
      rw.lock();
    } else {
      rw.lock_shared();
    }
    wg.add(1);
    crew all;
    for (int i = 0; i < 2; ++i) {
      all.go([&] {
        if (mu.try_lock_until(stop)) {
          bad += std::exchange(inside, true);
          inside = false;
          mu.unlock();
        }
      });
      all.go([&] {
        if (rw.try_lock_until(stop)) {
          rw.unlock();
        }
      });
      all.go([&] {
        if (rw.try_lock_shared_until(stop)) {
          rw.unlock_shared();
        }
      });
      all.go([&] { bad += wg.wait_until(stop) && !done; });
    }
    if (round % 4 != 0) {
      runtime::gosched();
    }
    all.go([=] { close(stop); });
    all.go([&] {
      mu.unlock();
      done = true;
      wg.done();
    });
    if (round % 2 == 0) {
      rw.unlock();
    } else {
      rw.unlock_shared();
    }
    all.join();
    wrong += bad;
    wrong += !mu.try_lock() + !rw.try_lock() + !forgotten(stop);
  }
  CHECK(wrong == 0);
}

FIBER_TEST("a signal beside the stop is taken, or goes to the next") {
  int lost = 0;
  for (int round = 0; round < scale(500); ++round) {
    auto stop = make_chan<void>();
    sync::mutex mu;
    sync::cond changed;
    std::atomic<int> told = 0;
    crew all;
    for (int i = 0; i < 2; ++i) {  // the first may be stopped, the second only told
      all.go([&, i] {
        const std::scoped_lock lock(mu);
        told += changed.wait_until(mu, i == 0 ? wait::stop(stop) : wait::stop());
      });
      CHECK(await_parked(wait_reason::cond_wait, i + 1));
    }
    all.go([=] { close(stop); });
    all.go([&] { changed.signal(); });
    all.go([&] {
      while (!forgotten(stop)) {
        runtime::gosched();
      }
      runtime::gosched();
      changed.signal();  // for the second, if the first was told
      while (told == 0) {
        runtime::gosched();
      }
      changed.broadcast();
    });
    all.join();
    lost += told < 1 || told > 2 || !forgotten(stop);
  }
  CHECK(lost == 0);
}

FIBER_TEST("stops, time-outs and wake-ups together lose nothing") {
  sync::mutex mu;
  sync::rw_mutex rw;
  long count = 0, written = 0;  // guarded by mu and rw
  std::atomic<long> counted = 0, wrote = 0;
  const int rounds = scale(2000);
  crew all;
  std::atomic<int> left = 8;
  // A stop that is set again and again: what the fibers use at the moment.
  sync::mutex guard;
  chan<void> current = make_chan<void>();
  const auto stop_now = [&] {
    const std::scoped_lock lock(guard);
    return current;
  };
  const auto work = [&](int i) {
    for (int n = 0; n < rounds; ++n) {
      const chan<void> stop = stop_now();
      const bool timed = (n + i) % 3 == 0;
      const auto d = std::chrono::microseconds((n * 7 + i) % 30);
      if (timed ? mu.try_lock_for(d) : mu.try_lock_until(stop)) {
        ++count;
        ++counted;
        if (n % 8 == 0) {
          runtime::gosched();
        }
        mu.unlock();
      }
      if (timed ? rw.try_lock_for(d) : rw.try_lock_until(stop)) {
        ++written;
        ++wrote;
        if (n % 8 == 1) {
          runtime::gosched();
        }
        rw.unlock();
      }
      if (rw.try_lock_shared_until(stop)) {
        if (n % 8 == 2) {
          runtime::gosched();
        }
        rw.unlock_shared();
      }
    }
    --left;
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    all.go([&, i] { work(i); });
  }
  for (int i = 6; i < 8; ++i) {
    threads.emplace_back([&, i] { work(i); });
  }
  while (left > 0) {
    runtime::gosched();
    chan<void> next = make_chan<void>();
    {
      const std::scoped_lock lock(guard);
      std::swap(next, current);
    }
    close(next);
  }
  all.join();
  for (std::thread& t : threads) {
    t.join();
  }
  CHECK(count == counted);
  CHECK(written == wrote);
  CHECK(mu.try_lock());
  CHECK(rw.try_lock());
  mu.unlock();
  rw.unlock();
}
