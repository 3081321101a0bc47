// conc::barrier.
#include <gossamer/conc.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "base/rng.hpp"
#include "child.hpp"
#include "in_runs.hpp"
#include "inside.hpp"

using namespace gossamer;
using conc::barrier_status;
using support::await_parked;
using support::crew;
using support::eventually;
using support::panic_of;
using support::scale;
using steady = std::chrono::steady_clock;

namespace {

constinit conc::barrier global_barrier(1);  // usable before main()

// How many calls ended how.
struct tally {
  std::array<std::atomic<int>, 4> of{};
  void add(barrier_status s) { ++of[static_cast<std::size_t>(s)]; }
  int operator[](barrier_status s) const { return of[static_cast<std::size_t>(s)]; }
};

void start(crew& all, int n, conc::barrier& b, tally& ended) {
  for (int i = 0; i < n; ++i) {
    all.go([&] { ended.add(b.arrive_and_wait()); });
  }
}

}  // namespace

FIBER_TEST("nobody passes before all have arrived, and of each phase one call is told that it was the last") {
  constexpr int parties = 5;
  const int phases = scale(2000);
  conc::barrier b(parties);
  std::atomic<int> arrived = 0, early = 0;
  std::vector<std::atomic<int>> lasts(static_cast<std::size_t>(phases));
  crew all;
  for (int i = 0; i < parties; ++i) {
    all.go([&, i] {
      for (int phase = 0; phase < phases; ++phase) {
        if ((i + phase) % 3 == 0) {
          runtime::gosched();
        }
        ++arrived;
        const barrier_status s = b.arrive_and_wait();
        early += arrived < (phase + 1) * parties;
        lasts[static_cast<std::size_t>(phase)] += s == barrier_status::last;
        early += s != barrier_status::last && s != barrier_status::passed;
      }
    });
  }
  all.join();
  CHECK(early == 0);
  CHECK(arrived == phases * parties);
  int wrong = 0;
  for (const std::atomic<int>& n : lasts) {
    wrong += n != 1;
  }
  CHECK(wrong == 0);
}

FIBER_TEST("what each did before it arrived is seen by all once they have passed") {
  constexpr int parties = 4;
  conc::barrier b(parties);
  std::array<long, parties> written{};  // not atomic: the barrier orders the accesses
  std::atomic<int> wrong = 0;
  crew all;
  for (std::size_t i = 0; i < parties; ++i) {
    all.go([&, i] {
      for (long phase = 1; phase <= scale(1000); ++phase) {
        written[i] = phase;
        b.arrive_and_wait();
        for (const long w : written) {
          wrong += w != phase;
        }
        b.arrive_and_wait();
      }
    });
  }
  all.join();
  CHECK(wrong == 0);
}

FIBER_TEST("between two waits the one that came last has the others wait for it") {
  constexpr int parties = 3;
  conc::barrier b(parties);
  int turns = 0;  // not atomic
  std::atomic<int> wrong = 0;
  crew all;
  for (int i = 0; i < parties; ++i) {
    all.go([&] {
      for (int phase = 1; phase <= scale(1000); ++phase) {
        if (b.arrive_and_wait() == barrier_status::last) {
          ++turns;
        }
        b.arrive_and_wait();
        wrong += turns != phase;
      }
    });
  }
  all.join();
  CHECK(wrong == 0);
}

FIBER_TEST("a barrier of one party never blocks, and a global one is there before main") {
  conc::barrier b(1);
  for (int i = 0; i < 3; ++i) {
    CHECK(b.arrive_and_wait() == barrier_status::last);
    CHECK(b.arrive_and_wait_for(-1h) == barrier_status::last);
    CHECK(global_barrier.arrive_and_wait() == barrier_status::last);
  }
  CHECK(b.parties() == 1);
}

FIBER_TEST("a call beyond the number of parties belongs to the next phase") {
  conc::barrier b(3);
  tally ended;
  crew all;
  start(all, 5, b, ended);
  CHECK(eventually([&] { return ended[barrier_status::last] == 1 && ended[barrier_status::passed] == 2; }));
  CHECK(await_parked(wait_reason::barrier_wait, 2));
  CHECK(b.arrive_and_wait() == barrier_status::last);
  all.join();
  CHECK(ended[barrier_status::passed] == 4);
}

FIBER_TEST("a wait whose time comes breaks the barrier for all that wait and all that come, until reset") {
  conc::barrier b(5);
  tally ended;
  crew all;
  start(all, 3, b, ended);
  CHECK(await_parked(wait_reason::barrier_wait, 3));
  CHECK(!b.is_broken());
  const auto begin = steady::now();
  CHECK(b.arrive_and_wait_for(2ms) == barrier_status::ended);
  CHECK(steady::now() - begin >= 2ms);
  CHECK(b.is_broken());
  all.join();
  CHECK(ended[barrier_status::broken] == 3);
  CHECK(b.arrive_and_wait() == barrier_status::broken);
  CHECK(b.arrive_and_wait_until(steady::now() + 1h) == barrier_status::broken);
  b.reset();
  CHECK(!b.is_broken());
  start(all, 4, b, ended);
  CHECK(await_parked(wait_reason::barrier_wait, 4));
  CHECK(b.arrive_and_wait_for(-1h) == barrier_status::last);  // late, but it completes the phase
  all.join();
  CHECK(ended[barrier_status::passed] == 4);
  CHECK(b.arrive_and_wait_until(std::chrono::system_clock::now() - 1s) == barrier_status::ended);
}

FIBER_TEST("a stop breaks the barrier, set before the call or during it; so does a context") {
  conc::barrier b(3);
  tally ended;
  crew all;
  {
    const auto set = make_chan<void>();
    close(set);
    start(all, 1, b, ended);
    CHECK(await_parked(wait_reason::barrier_wait, 1));
    CHECK(b.arrive_and_wait_until(set) == barrier_status::ended);
    all.join();
    CHECK(ended[barrier_status::broken] == 1);
  }
  b.reset();
  auto [ctx, cancel] = context::with_cancel(context::background());
  start(all, 1, b, ended);
  all.go([&, limit = wait::stop(ctx)] { ended.add(b.arrive_and_wait_until(limit)); });
  CHECK(await_parked(wait_reason::barrier_wait, 2));
  cancel();
  all.join();
  CHECK(ended[barrier_status::ended] == 1);
  CHECK(ended[barrier_status::broken] == 2);
  CHECK(b.is_broken());
  conc::barrier alone(1);
  CHECK(alone.arrive_and_wait_until(ctx) == barrier_status::last);  // the phase is complete: nothing to wait for
}

FIBER_TEST("abort breaks the barrier; reset lets those that wait go, and begins a phase") {
  conc::barrier b(3);
  tally ended;
  crew all;
  start(all, 2, b, ended);
  CHECK(await_parked(wait_reason::barrier_wait, 2));
  b.abort();
  all.join();
  CHECK(ended[barrier_status::broken] == 2);
  b.abort();
  CHECK(b.is_broken());
  b.reset();
  start(all, 2, b, ended);
  CHECK(await_parked(wait_reason::barrier_wait, 2));
  b.reset();
  all.join();
  CHECK(ended[barrier_status::broken] == 4);
  CHECK(!b.is_broken());
  start(all, 3, b, ended);
  all.join();
  CHECK(ended[barrier_status::last] == 1);
  CHECK(ended[barrier_status::passed] == 2);
}

FIBER_TEST("a party that drops out has arrived for this phase, and is not waited for in the next") {
  conc::barrier b(3);
  tally ended;
  crew all;
  start(all, 2, b, ended);
  CHECK(await_parked(wait_reason::barrier_wait, 2));
  CHECK(b.arrive_and_drop());  // completes the phase
  all.join();
  CHECK(ended[barrier_status::passed] == 2);
  CHECK(b.parties() == 2);
  CHECK(!b.arrive_and_drop());
  CHECK(b.arrive_and_wait() == barrier_status::last);
  CHECK(b.arrive_and_wait() == barrier_status::last);
  CHECK(b.parties() == 1);
  b.abort();
  CHECK(!b.arrive_and_drop());
  CHECK(b.parties() == 0);
  b.reset();
  CHECK(!b.is_broken());
}

FIBER_TEST("misuse panics, and changes nothing") {
  const std::string text = "conc: barrier without parties";
  CHECK(panic_of([] { conc::barrier b(0); }) == text);
  CHECK(panic_of([] { conc::barrier b(-1); }) == text);
  conc::barrier b(1);
  CHECK(b.arrive_and_drop());
  CHECK(panic_of([&] { b.arrive_and_wait(); }) == text);
  CHECK(panic_of([&] { b.arrive_and_drop(); }) == text);
  CHECK(panic_of([&] { static_cast<void>(b.arrive_and_wait_for(1ms)); }) == text);
  b.reset();
  CHECK(panic_of([&] { b.arrive_and_wait(); }) == text);
}

FIBER_TEST("plain threads and fibers meet") {
  constexpr int of_each = 3;
  const int phases = scale(200);
  conc::barrier b(2 * of_each);
  std::atomic<int> arrived = 0, early = 0;
  const auto party = [&] {
    for (int phase = 1; phase <= phases; ++phase) {
      ++arrived;
      b.arrive_and_wait();
      early += arrived < phase * 2 * of_each;
    }
  };
  std::vector<std::thread> threads;
  crew all;
  for (int i = 0; i < of_each; ++i) {
    threads.emplace_back(party);
    all.go(party);
  }
  all.join();
  for (std::thread& t : threads) {
    t.join();
  }
  CHECK(early == 0);
}

FIBER_TEST("the first to return may destroy a barrier on which nobody waits with a limit") {
  constexpr int parties = 4;
  int wrong = 0;
  for (int round = 0; round < scale(5000); ++round) {
    auto b = std::make_unique<conc::barrier>(parties);
    std::atomic<int> returned = 0;
    crew all;
    for (int i = 0; i < parties; ++i) {
      all.go([&, at = b.get()] {
        at->arrive_and_wait();
        if (returned++ == 0) {
          b.reset();
        }
      });
    }
    all.join();
    wrong += b != nullptr || returned != parties;
  }
  CHECK(wrong == 0);
}

// Parties with little patience, by a seed: whoever gives up sets the barrier up again, and a phase that is complete is
// so for all of its calls.
PLAIN_TEST("of each phase that is complete all calls pass, though others come to their end at the same moment") {
  constexpr int parties = 4;
  for (const int procs : {1, 2, 8, 32}) {
    const int phases = scale(3000);
    conc::barrier b(parties);
    tally ended;
    std::atomic<int> complete = 0;
    run(
        [&] {
          crew all;
          for (int i = 0; i < parties; ++i) {
            all.go([&, i] {
              base::rng r(static_cast<std::uint64_t>(procs * 100 + i));
              while (complete < phases) {
                const barrier_status s = r.below(8) != 0
                                             ? b.arrive_and_wait()
                                             : b.arrive_and_wait_for(std::chrono::microseconds(r.below(30)));
                ended.add(s);
                complete += s == barrier_status::last;
                if (s == barrier_status::ended) {
                  b.reset();
                } else if (s == barrier_status::broken) {
                  runtime::gosched();
                }
              }
              b.abort();  // whoever waits learns that it is over
            });
          }
        },
        {.procs = procs});
    CHECK(ended[barrier_status::last] == complete);
    CHECK(ended[barrier_status::passed] == (parties - 1) * complete);
  }
}

PLAIN_TEST("fibers that were abandoned at a barrier have not arrived, in a later run") {
  support::run_each([](auto in_run) {
    conc::barrier b(4);
    tally ended;
    std::thread outsider;
    in_run([&] {
      for (int i = 0; i < 2; ++i) {
        go([&] { ended.add(b.arrive_and_wait()); });
      }
      go([&] { ended.add(b.arrive_and_wait_for(1h)); });
      CHECK(await_parked(wait_reason::barrier_wait, 3));
    });
    outsider = std::thread([&] { ended.add(b.arrive_and_wait()); });  // outlives the next run
    in_run([&] {
      go([&] { ended.add(b.arrive_and_wait()); });
      CHECK(await_parked(wait_reason::barrier_wait, 1));
    });
    in_run([&] {
      crew all;
      start(all, 2, b, ended);
      CHECK(await_parked(wait_reason::barrier_wait, 2));
      all.go([&] { ended.add(b.arrive_and_wait()); });
    });
    outsider.join();
    CHECK(ended[barrier_status::last] == 1);
    CHECK(ended[barrier_status::passed] == 3);
  });
}

CHILD_PROGRAM("barrier: a fiber waits, and nobody comes") {
  return run([] {
    conc::barrier b(2);
    b.arrive_and_wait();
  });
}
PLAIN_TEST("a dump names the wait") {
  const support::child_result r = support::run_child("barrier: a fiber waits, and nobody comes");
  CHECK(r.exited_with(2));
  CHECK(support::contains(r.err, "all fibers are asleep - deadlock!"));
  CHECK(support::contains(r.err, "[barrier wait]"));
}
