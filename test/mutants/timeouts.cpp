// Waits whose deadline comes at about the time of what they wait for: whoever wins, the other must lose, and leave no
// trace. Kills: claims that always win, losers that do not withdraw, timers that are not disarmed.
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "check.hpp"
#include "gossamer/conc/barrier.hpp"

namespace {

using namespace gossamer;
using check::expect;

constexpr int fibers = 12;
constexpr auto duration = 1200ms;

struct account {
  sync::mutex guard;
  int inside = 0;  // guarded by guard
  long entered = 0;
};

// Mutexes that are held for about as long as others are ready to wait.
void contend(std::vector<account>& accounts, std::uint64_t seed, bool fiber) {
  base::rng r(seed);
  for (const auto end = check::clock::now() + duration; check::clock::now() < end;) {
    account& a = accounts[r.below(static_cast<std::uint32_t>(accounts.size()))];
    if (r.below(4) == 0) {
      a.guard.lock();
    } else if (!a.guard.try_lock_for(check::up_to(r, 150))) {
      continue;
    }
    expect(a.inside++ == 0, "a mutex has one holder");
    ++a.entered;
    if (r.below(2) == 0) {
      time::sleep(check::up_to(r, 100));
    } else if (fiber) {
      runtime::gosched();
    }
    --a.inside;
    a.guard.unlock();
    if (r.below(8) == 0) {
      const auto begin = check::clock::now();
      time::sleep(300us);
      expect(check::clock::now() - begin >= 300us, "a sleep does not end early");
    }
  }
}

// A wait group that comes to zero at about the time that its waiters give up.
void meet(std::uint64_t seed) {
  base::rng r(seed);
  for (const auto end = check::clock::now() + duration; check::clock::now() < end;) {
    sync::wait_group work;
    std::atomic<int> done{0};
    const int n = static_cast<int>(r.below(3)) + 1;
    work.add(n);
    for (int i = 0; i < n; ++i) {
      go([&work, &done, pause = check::up_to(r, 120)] {
        time::sleep(pause);
        ++done;
        work.done();
      });
    }
    sync::wait_group beside;  // a second waiter, so that there is a queue
    beside.add();
    go([&work, &beside, &done, n, patience = check::up_to(r, 150)] {
      const bool zero = work.wait_for(patience);
      expect(!zero || done == n, "wait_for is true only at zero");
      beside.done();
    });
    const bool zero = work.wait_for(r.below(3) == 0 ? 2ms : check::up_to(r, 150));
    expect(!zero || done == n, "wait_for is true only at zero");
    // A timer that was left armed would end one of these.
    const auto begin = check::clock::now();
    time::sleep(r.below(8) == 0 ? 2500us : 50us);
    expect(check::clock::now() - begin >= 50us, "a sleep does not end early");
    work.wait();
    beside.wait();
    expect(done == n, "wait returns only at zero");
  }
}

// Parties of which now and then one gives up at about the time that the last arrives: all calls of a phase pass, or
// none.
constexpr int parties = 4;
struct crossing {
  conc::barrier place{parties};
  std::atomic<long> passed{0}, complete{0};
};

void cross(crossing& c, std::uint64_t seed) {
  using status = conc::barrier_status;
  base::rng r(seed);
  for (const auto end = check::clock::now() + duration; check::clock::now() < end;) {
    const status s = r.below(6) != 0 ? c.place.arrive_and_wait() : c.place.arrive_and_wait_for(check::up_to(r, 40));
    if (s == status::ended || s == status::broken) {
      s == status::ended ? c.place.reset() : runtime::gosched();
      continue;
    }
    ++c.passed;
    c.complete += s == status::last;
    if (r.below(3) == 0) {
      runtime::gosched();
    }
  }
  c.place.abort();
}

void run_at(int procs) {
  auto accounts = std::make_unique<std::vector<account>>(3);
  auto barrier = std::make_unique<crossing>();
  std::thread outsider([&] { contend(*accounts, 77, false); });
  const int code = run(
      [&] {
        sync::wait_group all;
        for (int i = 0; i < parties; ++i) {
          all.go([&, i] { cross(*barrier, static_cast<std::uint64_t>(200 + i)); });
        }
        all.add(2 * fibers);
        for (int i = 0; i < fibers; ++i) {
          go([&, i] {
            contend(*accounts, static_cast<std::uint64_t>(i), true);
            all.done();
          });
          go([&, i] {
            meet(static_cast<std::uint64_t>(100 + i));
            all.done();
          });
        }
        all.wait();
        return 0;
      },
      {.procs = procs});
  outsider.join();
  expect(code == 0, "run returns what main returned");
  expect(barrier->passed == parties * barrier->complete, "all calls of a phase pass, or none");
  expect(runtime::num_fibers() == 0, "no fiber is left");
}

}  // namespace

int main() {
  run_at(2);
  run_at(4);
}
