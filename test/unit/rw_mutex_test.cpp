// sync::rw_mutex (docs/go-semantics.md, RW1, RW2, MU3).
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "child.hpp"
#include "inside.hpp"

using namespace gossamer;
using support::await_parked;
using support::child_result;
using support::crew;
using support::eventually;
using support::run_child;
using support::scale;
using support::spin_for;
using support::starts_with;
using steady = std::chrono::steady_clock;

namespace {

constinit sync::rw_mutex global_mutex;  // usable before main()

// Nobody holds it, nor waits for it.
bool is_free(sync::rw_mutex& mu) {
  if (!mu.try_lock()) {
    return false;
  }
  mu.unlock();
  return true;
}

// Who is inside, as those inside see it.
struct census {
  std::atomic<int> readers = 0, writers = 0, wrong = 0;

  void read(bool yield) {
    ++readers;
    wrong += writers != 0;
    if (yield) {
      runtime::gosched();
    }
    wrong += writers != 0;
    --readers;
  }
  void write(bool yield) {
    wrong += ++writers != 1 || readers != 0;
    if (yield) {
      runtime::gosched();
    }
    wrong += writers != 1 || readers != 0;
    --writers;
  }
};

// What a reader does that has met another on another worker: from now on readers are noted apart from each other. To
// wait for that would be to wait for luck. By the bit of the lock's word, which comes first in it.
void let_readers_meet(sync::rw_mutex& mu) {
  constexpr std::uint64_t apart = 64, flags = 63;
  static_assert(sizeof mu >= sizeof apart);
  auto* const word = reinterpret_cast<std::uint64_t*>(&mu);
  std::uint64_t w = __atomic_load_n(word, __ATOMIC_RELAXED);
  if ((w & flags) != 0) {
    std::abort();  // somebody waits, or writes
  }
  while (!__atomic_compare_exchange_n(word, &w, w | apart, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
  }
}

}  // namespace

FIBER_TEST("RW1: readers share") {
  sync::rw_mutex mu;
  std::atomic<int> inside = 0, alone = 0;
  constexpr int readers = 10;
  crew all;
  for (int i = 0; i < readers; ++i) {
    all.go([&, i] {
      if (i % 2 == 0) {
        const std::shared_lock lock(mu);
        ++inside;
        alone += !eventually([&] { return inside == readers; });  // all at the same time
      } else {
        mu.r_lock();
        ++inside;
        alone += !eventually([&] { return inside == readers; });
        mu.r_unlock();
      }
    });
  }
  all.join();
  CHECK(alone == 0);
  CHECK(is_free(mu));
  const std::shared_lock lock(global_mutex);
}

FIBER_TEST("RW1: readers and writers exclude each other") {
  sync::rw_mutex mu;
  census in;
  long count = 0;  // guarded by mu
  const int rounds = scale(8000);
  crew all;
  for (int i = 0; i < 8; ++i) {
    all.go([&, i] {
      for (int n = 0; n < rounds; ++n) {
        const bool yield = (n + i) % 16 == 0;
        if ((n + i) % 4 == 0) {
          const std::scoped_lock lock(mu);
          in.write(yield);
          ++count;
        } else {
          const std::shared_lock lock(mu);
          in.read(yield);
        }
      }
    });
  }
  all.join();
  CHECK(in.wrong == 0);
  CHECK(count == 2L * rounds);
  CHECK(is_free(mu));
}

FIBER_TEST("RW1: a waiting writer stops new readers") {
  sync::rw_mutex mu;
  std::atomic<bool> wrote = false;
  std::atomic<int> early = 0;
  mu.lock_shared();
  crew all;
  all.go([&] {
    mu.lock();
    wrote = true;
    mu.unlock();
  });
  CHECK(await_parked(wait_reason::rw_mutex_lock, 1));
  CHECK(!mu.try_lock_shared());
  CHECK(!mu.try_r_lock());
  CHECK(!mu.try_lock_shared_for(1ms));
  for (int i = 0; i < 3; ++i) {
    all.go([&] {
      mu.lock_shared();
      early += !wrote;
      mu.unlock_shared();
    });
  }
  CHECK(await_parked(wait_reason::rw_mutex_rlock, 3));
  CHECK(!wrote);
  mu.unlock_shared();
  all.join();
  CHECK(wrote);
  CHECK(early == 0);
  CHECK(is_free(mu));
}

FIBER_TEST("RW1: readers that were waiting when the writer unlocks go before the next writer") {
  for (const bool writer_first : {false, true}) {
    sync::rw_mutex mu;
    std::vector<char> order;  // guarded by guard
    sync::mutex guard;
    const auto note = [&](char c) {
      const std::scoped_lock lock(guard);
      order.push_back(c);
    };
    mu.lock();
    crew all;
    const auto write = [&] {
      mu.lock();
      note('w');
      mu.unlock();
    };
    if (writer_first) {
      all.go(write);
      CHECK(await_parked(wait_reason::rw_mutex_lock, 1));
    }
    for (int i = 0; i < 3; ++i) {
      all.go([&] {
        mu.lock_shared();
        note('r');
        mu.unlock_shared();
      });
    }
    CHECK(await_parked(wait_reason::rw_mutex_rlock, 3));
    if (!writer_first) {
      all.go(write);
      CHECK(await_parked(wait_reason::rw_mutex_lock, 1));
    }
    mu.unlock();
    all.join();
    CHECK(std::string(order.begin(), order.end()) == "rrrw");
  }
}

FIBER_TEST("writers are served in the order in which they came") {
  sync::rw_mutex mu;
  std::vector<int> order;  // guarded by mu
  mu.lock_shared();
  crew all;
  for (int i = 0; i < 6; ++i) {
    all.go([&, i] {
      const std::scoped_lock lock(mu);
      order.push_back(i);
    });
    CHECK(await_parked(wait_reason::rw_mutex_lock, i + 1));
  }
  mu.unlock_shared();
  all.join();
  CHECK(order == std::vector{0, 1, 2, 3, 4, 5});
}

FIBER_TEST("RW2: try_lock fails with any holder, and try_lock_shared with a writer") {
  sync::rw_mutex mu;
  CHECK(mu.try_lock());
  CHECK(!mu.try_lock());
  CHECK(!mu.try_lock_shared());
  CHECK(!mu.try_lock_for(0s));
  CHECK(!mu.try_lock_until(steady::now() - 1s));
  CHECK(!mu.try_lock_shared_for(-1h));
  mu.unlock();
  CHECK(mu.try_lock_shared());
  CHECK(mu.try_r_lock());
  CHECK(!mu.try_lock());
  CHECK(mu.try_lock_shared_until(steady::now() - 1s));  // to be had: the time does not matter
  mu.unlock_shared();
  mu.r_unlock();
  CHECK(!mu.try_lock());
  mu.unlock_shared();
  CHECK(mu.try_lock_until(steady::now() - 1s));
  mu.unlock();
}

FIBER_TEST("any fiber or thread may unlock") {
  sync::rw_mutex mu;
  for (int i = 0; i < 20; ++i) {
    if (i % 4 < 2) {
      mu.lock();
    } else {
      mu.lock_shared();
    }
    const auto unlock = [&, i] {
      if (i % 4 < 2) {
        mu.unlock();
      } else {
        mu.unlock_shared();
      }
    };
    if (i % 2 == 0) {
      go(unlock);
    } else {
      std::thread(unlock).join();
    }
    mu.lock();
    mu.unlock();
  }
  CHECK(is_free(mu));
}

FIBER_TEST("RW1: a writer waits for readers that met on several workers, and stops new ones") {
  sync::rw_mutex mu;
  for (const bool timed : {false, true}) {
    let_readers_meet(mu);
    crew all;
    std::atomic<int> inside = 0;
    std::atomic<bool> wrote = false, leave = false;
    constexpr int readers = 6;
    for (int i = 0; i < readers; ++i) {
      all.go([&] {
        const std::shared_lock lock(mu);
        ++inside;
        while (!leave) {
          runtime::gosched();  // it goes on on whatever worker
        }
        CHECK(!wrote);
      });
    }
    CHECK(eventually([&] { return inside == readers; }));
    CHECK(!mu.try_lock());
    CHECK(!mu.try_lock_for(1ms));
    all.go([&] {
      if (timed) {
        CHECK(mu.try_lock_for(1h));
      } else {
        mu.lock();
      }
      wrote = true;
      mu.unlock();
    });
    CHECK(await_parked(wait_reason::rw_mutex_lock, 1));
    CHECK(!mu.try_lock_shared());
    leave = true;
    all.join();
    CHECK(wrote);
    CHECK(is_free(mu));
  }
}

FIBER_TEST("RW1: readers that meet on several workers and writers exclude each other") {
  sync::rw_mutex first, second;
  for (sync::rw_mutex* mu : {&first, &second}) {
    let_readers_meet(*mu);
    census in;
    std::atomic<long> writes = 0;
    long count = 0;  // guarded by mu
    const int rounds = scale(40'000);
    crew all;
    for (int i = 0; i < 6; ++i) {
      all.go([&, i] {
        const auto write = [&] {
          in.write(false);
          ++count;
          ++writes;
          mu->unlock();
        };
        const auto read = [&](bool yield) {
          in.read(yield);
          mu->unlock_shared();
        };
        for (int n = 0; n < rounds; ++n) {
          if (n % 1024 == 64 * i) {
            mu->lock();
            write();
          } else if (n % 1024 == 512 + 64 * i) {
            if (mu->try_lock_for(20us)) {
              write();
            }
          } else if (n % 16 == 1) {
            if (mu->try_lock_shared()) {
              read(false);
            }
          } else {
            mu->lock_shared();
            read(n % 128 == 0);
          }
        }
      });
    }
    all.join();
    CHECK(in.wrong == 0);
    CHECK(count == writes);
    CHECK(is_free(*mu));
  }
}

FIBER_TEST("any fiber or thread may unlock for readers that met on several workers") {
  sync::rw_mutex mu;
  for (int i = 0; i < 20; ++i) {
    let_readers_meet(mu);
    mu.lock_shared();
    mu.lock_shared();
    const auto unlock = [&] { mu.unlock_shared(); };
    CHECK(!mu.try_lock());
    let_readers_meet(mu);
    mu.lock_shared();
    for (int unlocks = 0; unlocks < 3; ++unlocks) {
      if (unlocks != i % 3) {
        crew one;
        one.go(unlock);
        one.join();
      } else {
        std::thread(unlock).join();
      }
    }
    mu.lock();
    CHECK(!mu.try_lock_shared());
    mu.unlock();
  }
  CHECK(is_free(mu));
}

PLAIN_TEST("readers that were abandoned hold no lock that comes where theirs was") {
  std::optional<sync::rw_mutex> mu;
  run([&] {
    mu.emplace();
    let_readers_meet(*mu);
    std::atomic<int> inside = 0;
    for (int i = 0; i < 8; ++i) {
      go([&] {
        mu->lock_shared();
        ++inside;
        chan<int>().recv();  // for ever
      });
    }
    CHECK(eventually([&] { return inside == 8; }));
  });
  run([&] {
    mu.emplace();
    let_readers_meet(*mu);
    CHECK(mu->try_lock());
    mu->unlock();
  });
}

PLAIN_TEST("what a fiber has read-locked where readers met stays so when its run() is over, for whoever unlocks") {
  sync::rw_mutex mu;
  mu.lock_shared();
  run([&] {
    let_readers_meet(mu);
    mu.lock_shared();
    std::thread([&] { mu.unlock_shared(); }).join();  // the first one, as far as can be told
    mu.lock_shared();
  });
  CHECK(!mu.try_lock());
  mu.unlock_shared();
  CHECK(!mu.try_lock());
  run([&] { CHECK(!mu.try_lock()); });
  mu.unlock_shared();
  CHECK(is_free(mu));
}

FIBER_TEST("readers meet on workers that stand in for hundreds of blocking calls") {
  if (support::width() < 8) {
    return;  // each call waits there until it is noticed
  }
  constexpr int calls = 300;
  std::atomic<int> begun = 0;
  std::atomic<bool> over = false;
  crew all;
  for (int i = 0; i < calls; ++i) {
    all.go([&] {
      runtime::blocking([&] {
        ++begun;
        over.wait(false);
      });
    });
  }
  CHECK(eventually([&] { return begun == calls; }));
  sync::rw_mutex mu;
  let_readers_meet(mu);
  census in;
  crew readers;
  for (int i = 0; i < 50; ++i) {
    readers.go([&] {
      for (int n = 0; n < 20; ++n) {
        const std::shared_lock lock(mu);
        in.read(true);
      }
    });
  }
  readers.join();
  CHECK(in.wrong == 0);
  CHECK(is_free(mu));
  over = true;
  over.notify_all();
  all.join();
}

FIBER_TEST("the standard's locks work") {
  sync::rw_mutex a, b;
  const int rounds = scale(3000);
  long count = 0;  // guarded by both
  crew all;
  for (int i = 0; i < 6; ++i) {
    all.go([&, i] {
      for (int n = 0; n < rounds; ++n) {
        if (i % 3 == 0) {
          const std::scoped_lock both(a, b);
          ++count;
        } else if (i % 3 == 1) {
          const std::scoped_lock both(b, a);
          ++count;
          runtime::gosched();
        } else {
          const std::shared_lock reads(a);
          (void)count;
        }
      }
    });
  }
  all.join();
  CHECK(count == 4L * rounds);
  std::shared_lock reads(a, 1ms);
  CHECK(reads.owns_lock());
  std::unique_lock writes(a, 1ms);
  CHECK(!writes.owns_lock());
  std::shared_lock also(a, std::try_to_lock);
  CHECK(also.owns_lock());
  reads.unlock();
  also.unlock();
  CHECK(writes.try_lock_for(1ms));
  CHECK(!reads.try_lock_for(1ms));
  CHECK(!reads.try_lock_until(steady::now()));
}

FIBER_TEST("a timed lock that times out returns false, never early, and leaves nothing behind") {
  sync::rw_mutex mu;
  for (const auto d : {1us, 200us, 3000us}) {
    mu.lock();
    auto begin = steady::now();
    CHECK(!mu.try_lock_for(d));
    CHECK(steady::now() - begin >= d);
    begin = steady::now();
    CHECK(!mu.try_lock_shared_until(begin + d));
    CHECK(steady::now() - begin >= d);
    mu.unlock();
    mu.lock_shared();
    begin = steady::now();
    CHECK(!mu.try_lock_until(begin + d));
    CHECK(steady::now() - begin >= d);
    CHECK(mu.try_lock_shared());  // the writer that gave up stops no reader
    mu.unlock_shared();
    mu.unlock_shared();
    CHECK(is_free(mu));
  }
}

FIBER_TEST("a writer that times out lets the readers go that it held up") {
  sync::rw_mutex mu;
  mu.lock_shared();
  std::atomic<int> in = 0;
  std::atomic<bool> gave_up = false;
  crew all;
  all.go([&] { gave_up = !mu.try_lock_for(5ms); });
  CHECK(eventually([&] { return gave_up || support::parked(wait_reason::rw_mutex_lock) == 1; }));
  for (int i = 0; i < 4; ++i) {
    all.go([&] {
      mu.lock_shared();
      ++in;
      mu.unlock_shared();
    });
  }
  CHECK(eventually([&] { return in == 4; }));  // beside the first reader, who is still in
  all.join();
  CHECK(gave_up);
  mu.unlock_shared();
  CHECK(is_free(mu));
}

FIBER_TEST("a writer that times out before another takes nobody's turn, wherever it stood") {
  for (int quitter = 0; quitter < 3; ++quitter) {
    sync::rw_mutex mu;
    mu.lock_shared();
    std::atomic<int> served = 0, expired = 0, read = 0;
    crew all;
    for (int i = 0; i < 3; ++i) {
      all.go([&, i] {
        if (i != quitter) {
          mu.lock();
        } else if (!mu.try_lock_for(2ms)) {
          ++expired;
          return;
        }
        ++served;
        mu.unlock();
      });
    }
    CHECK(eventually([&] { return expired == 1; }));
    CHECK(await_parked(wait_reason::rw_mutex_lock, 2));
    all.go([&] {
      mu.lock_shared();
      ++read;
      mu.unlock_shared();
    });
    CHECK(await_parked(wait_reason::rw_mutex_rlock, 1));
    CHECK(served == 0);
    mu.unlock_shared();
    all.join();
    CHECK(served == 2);
    CHECK(read == 1);
    CHECK(is_free(mu));
  }
}

FIBER_TEST("time-outs beside unlocks lose no wake-up") {
  sync::rw_mutex mu;
  census in;
  std::atomic<long> writes = 0;
  long count = 0;  // guarded by mu
  const int rounds = scale(3000);
  crew all;
  for (int i = 0; i < 8; ++i) {
    all.go([&, i] {
      for (int n = 0; n < rounds; ++n) {
        const auto d = std::chrono::microseconds((n * 7 + i) % 40);
        const bool yield = n % 8 == 0;
        switch ((i + n) % 4) {
          case 0:
            mu.lock_shared();
            in.read(yield);
            mu.unlock_shared();
            break;
          case 1:
            if (mu.try_lock_shared_for(d)) {
              in.read(yield);
              mu.unlock_shared();
            }
            break;
          case 2:
            if (!mu.try_lock_for(d)) {
              break;
            }
            in.write(yield);
            ++count;
            ++writes;
            mu.unlock();
            break;
          default:
            if (n % 64 == 1) {
              spin_for(20us);
            }
            mu.lock();
            in.write(yield);
            ++count;
            ++writes;
            mu.unlock();
        }
      }
    });
  }
  all.join();
  CHECK(in.wrong == 0);
  CHECK(count == writes);
  CHECK(is_free(mu));
}

FIBER_TEST("fibers and plain threads share and exclude each other") {
  sync::rw_mutex mu;
  census in;
  long count = 0;  // guarded by mu
  const int rounds = scale(5000);
  crew all;
  std::vector<std::thread> threads;
  const auto work = [&] {
    for (int n = 0; n < rounds; ++n) {
      if (n % 4 == 0) {
        while (!mu.try_lock_for(100us)) {
        }
        in.write(n % 32 == 0);
        ++count;
        mu.unlock();
      } else {
        mu.lock_shared();
        in.read(n % 32 == 1);
        mu.unlock_shared();
      }
    }
  };
  for (int i = 0; i < 3; ++i) {
    all.go(work);
    threads.emplace_back(work);
  }
  all.join();
  for (std::thread& t : threads) {
    t.join();
  }
  CHECK(in.wrong == 0);
  CHECK(count == 6L * ((rounds + 3) / 4));
  CHECK(is_free(mu));
}

CHILD_PROGRAM("rw: unlock by nobody") {
  return run([] {
    sync::rw_mutex mu;
    try {
      mu.unlock();
    } catch (...) {
    }
    return 9;
  });
}
CHILD_PROGRAM("rw: reader's unlock by nobody, where readers met") {
  return run([] {
    sync::rw_mutex mu;
    let_readers_meet(mu);
    mu.unlock_shared();
    return 9;
  });
}
CHILD_PROGRAM("rw: unlock beside readers, on a thread") {
  sync::rw_mutex mu;
  mu.lock_shared();
  mu.unlock();
  return 9;
}
CHILD_PROGRAM("rw: reader's unlock by nobody") {
  return run([] {
    sync::rw_mutex mu;
    mu.lock_shared();
    mu.unlock_shared();
    mu.unlock_shared();
    return 9;
  });
}
CHILD_PROGRAM("rw: reader's unlock beside a writer") {
  return run([] {
    sync::rw_mutex mu;
    mu.lock();
    mu.r_unlock();
    return 9;
  });
}
PLAIN_TEST("MU3: to unlock what one does not hold is fatal, and cannot be caught") {
  for (const char* program : {"rw: unlock by nobody", "rw: unlock beside readers, on a thread"}) {
    const child_result r = run_child(program);
    CHECK(r.exited_with(2));
    CHECK(starts_with(r.err, "fatal error: sync: Unlock of unlocked RWMutex\n"));
  }
  for (const char* program : {"rw: reader's unlock by nobody", "rw: reader's unlock by nobody, where readers met",
                              "rw: reader's unlock beside a writer"}) {
    const child_result r = run_child(program);
    CHECK(r.exited_with(2));
    CHECK(starts_with(r.err, "fatal error: sync: RUnlock of unlocked RWMutex\n"));
  }
}
