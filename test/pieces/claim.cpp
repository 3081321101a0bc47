// ticket, claim and wait_list: of all that want to wake one waiter exactly one does, and its value is seen whole.
#include "piece.hpp"  // first: it perturbs the piece

#include <array>
#include <mutex>
#include <vector>

#include "gossamer/detail/spin_lock.hpp"
#include "wait/waiter.hpp"

namespace {

using gossamer::detail::spin_lock;
using gossamer::detail::wait_list;
using gossamer::detail::waiter;
using gossamer::wait::claim;
using gossamer::wait::outcome;
using gossamer::wait::ticket;
namespace wait = gossamer::wait;

// A place where one waits for a value: the least that an object of the wait protocol can be.
struct object {
  spin_lock guard;
  wait_list waiters;  // guarded by guard
  long given = 0;     // guarded by guard
};

// What a waiter of this test has instead of a fiber: the word that it spins on.
struct sleeper {
  ticket* mine = nullptr;
  std::atomic<int> woken{0};
};

}  // namespace

TEST_CASE("claim: one winner, whose result stands") {
  constexpr int rounds = 20'000 * piece::scale;
  for (const int threads : {1, 2, 8}) {
    std::vector<ticket*> tickets(rounds);
    for (ticket*& t : tickets) {
      t = new ticket(nullptr);
    }
    std::vector<std::vector<char>> won(static_cast<std::size_t>(threads), std::vector<char>(rounds));
    piece::in_threads(threads, static_cast<std::uint64_t>(threads), [&](int me) {
      for (std::size_t i = 0; i < rounds; ++i) {
        if (claim(*tickets[i], me % 2 == 0 ? outcome::woken : outcome::timed_out)) {
          won[static_cast<std::size_t>(me)][i] = 1;
        }
      }
    });
    int wrong = 0;
    for (std::size_t i = 0; i < rounds; ++i) {
      int winners = 0;
      for (std::size_t t = 0; t < won.size(); ++t) {
        if (won[t][i] != 0) {
          ++winners;
          wrong += tickets[i]->result != (t % 2 == 0 ? outcome::woken : outcome::timed_out) ? 1 : 0;
        }
      }
      wrong += winners != 1 ? 1 : 0;
      delete tickets[i];
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("wait_list: first come first served, from either end, and whoever has left is not found") {
  ticket t(nullptr);
  t.uncontested = true;
  wait_list list;
  std::array<waiter, 4> w{waiter(t), waiter(t), waiter(t), waiter(t)};
  CHECK(list.empty());
  wait::push_back(list, w[1]);
  wait::push_back(list, w[2]);
  wait::push_front(list, w[0]);
  wait::push_back(list, w[3]);
  wait::remove(list, w[2]);
  wait::remove(list, w[2]);
  CHECK(wait::claim_first(list) == &w[0]);
  CHECK(wait::claim_first(list) == &w[1]);
  wait::push_back(list, w[0]);
  wait::remove(list, w[3]);
  CHECK(wait::claim_first(list) == &w[0]);
  CHECK(wait::claim_first(list) == nullptr);
  CHECK(list.empty());
  CHECK(list.tail == nullptr);
}

TEST_CASE("wait_list: claim_first drops those that somebody else has claimed") {
  ticket lost(nullptr);
  ticket open(nullptr);
  CHECK(claim(lost, outcome::timed_out));
  wait_list list;
  waiter a(lost);
  waiter b(open);
  waiter c(lost);
  wait::push_back(list, a);
  wait::push_back(list, b);
  wait::push_back(list, c);
  CHECK(wait::claim_first(list) == &b);
  CHECK_FALSE(a.queued);
  CHECK(open.result == outcome::woken);
  CHECK(lost.result == outcome::timed_out);
  CHECK(wait::claim_first(list) == nullptr);
  CHECK(list.empty());
}

// Each waiter waits in two objects and has a deadline of a sort (a thread that times sleepers out at random); wakers
// hand out values. Every value that was given must arrive, and nothing else.
TEST_CASE("a waiter of two objects and a timer is woken once, by one of them, with its value") {
  constexpr int waits = 20'000 * piece::scale;
  for (const int waiters : {1, 3}) {
    std::array<object, 2> objects;
    std::vector<sleeper> sleepers(static_cast<std::size_t>(waiters));
    std::array<spin_lock, 8> timer_guards;  // of the ticket pointer of each sleeper
    std::vector<long> received(static_cast<std::size_t>(waiters));
    std::vector<long> timed_out(static_cast<std::size_t>(waiters));
    std::atomic<int> waiting{waiters};
    std::atomic<long> wrong{0};
    long times = 0;
    const piece::time_limit limit(60);
    // Threads: the waiters, a waker for each object, and the timer.
    piece::in_threads(waiters + 3, static_cast<std::uint64_t>(waiters), [&](int me) {
      if (me < waiters) {
        const auto id = static_cast<std::size_t>(me);
        sleeper& self = sleepers[id];
        for (int i = 0; i < waits && wrong.load(std::memory_order_relaxed) == 0; ++i) {
          self.woken.store(0, std::memory_order_relaxed);
          // P1. The owner is a number here: a fiber is never looked at.
          ticket t(reinterpret_cast<gossamer::detail::fiber*>(&self));
          std::array<long, 2> value{-1, -1};
          std::array<waiter, 2> place{waiter(t, &value[0]), waiter(t, &value[1])};
          {
            const std::scoped_lock hold(timer_guards[id]);
            self.mine = &t;
          }
          for (std::size_t o = 0; o < 2; ++o) {  // P2
            const std::scoped_lock hold(objects[o].guard);
            wait::push_back(objects[o].waiters, place[o]);
          }
          // acquire: pairs with the release of who wakes.
          while (self.woken.load(std::memory_order_acquire) == 0) {
            ::sched_yield();
            if (limit.passed()) {
              wrong.store(1'000'000, std::memory_order_relaxed);
              break;
            }
          }
          for (std::size_t o = 0; o < 2; ++o) {  // P6
            const std::scoped_lock hold(objects[o].guard);
            wait::remove(objects[o].waiters, place[o]);
          }
          {
            const std::scoped_lock hold(timer_guards[id]);
            self.mine = nullptr;
          }
          const int values = (value[0] >= 0 ? 1 : 0) + (value[1] >= 0 ? 1 : 0);
          const bool by_time = t.result == outcome::timed_out;
          if (values != (by_time ? 0 : 1) || self.woken.load(std::memory_order_relaxed) != 1) {
            wrong.fetch_add(1, std::memory_order_relaxed);
          }
          (by_time ? timed_out : received)[id] += 1;
        }
        waiting.fetch_sub(1, std::memory_order_relaxed);
      } else if (me < waiters + 2) {
        object& o = objects[static_cast<std::size_t>(me - waiters)];
        while (waiting.load(std::memory_order_relaxed) != 0) {
          sleeper* woken = nullptr;
          {
            const std::scoped_lock hold(o.guard);
            if (waiter* w = wait::claim_first(o.waiters)) {  // P4
              *static_cast<long*>(w->value) = o.given++;
              woken = reinterpret_cast<sleeper*>(w->its->owner);
            }
          }
          if (woken != nullptr) {
            woken->woken.fetch_add(1, std::memory_order_release);  // P5
          } else {
            ::sched_yield();
          }
          piece::delay();
        }
      } else {
        while (waiting.load(std::memory_order_relaxed) != 0) {
          const std::size_t id = piece::delays.below(static_cast<std::uint32_t>(waiters));
          bool won = false;
          {
            const std::scoped_lock hold(timer_guards[id]);
            won = sleepers[id].mine != nullptr && claim(*sleepers[id].mine, outcome::timed_out);
          }
          if (won) {
            ++times;
            sleepers[id].woken.fetch_add(1, std::memory_order_release);
          } else {
            ::sched_yield();
          }
          piece::delay();
        }
      }
    });
    CHECK(wrong == 0);
    long got = 0;
    long late = 0;
    for (std::size_t i = 0; i < received.size(); ++i) {
      got += received[i];
      late += timed_out[i];
    }
    CHECK(got == objects[0].given + objects[1].given);
    CHECK(late == times);
    CHECK(got + late == static_cast<long>(waiters) * waits);
    CHECK(objects[0].waiters.empty());
    CHECK(objects[1].waiters.empty());
  }
}
