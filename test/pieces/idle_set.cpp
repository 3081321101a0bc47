// idle_set: each idle worker is taken out by one, the watch is handed on, and no push from outside is missed.
#include "piece.hpp"  // first: it perturbs the piece

#include "sched/idle_set.hpp"

#include <memory>
#include <vector>

namespace {

using gossamer::sched::idle_set;

bool looks_out(const idle_set& s) { return (s.state() & idle_set::lookout_active) != 0; }

}  // namespace

TEST_CASE("idle_set: the first to enter has the watch, and the next after it has left") {
  idle_set s;
  CHECK(s.take_any() == idle_set::nobody);
  CHECK_FALSE(s.somebody());
  CHECK(s.state() == 0);
  CHECK(s.enter(3));
  CHECK(looks_out(s));
  CHECK(s.somebody());
  CHECK_FALSE(s.enter(1));
  CHECK(s.count() == 2);
  CHECK(s.about() == 2);
  CHECK(s.leave(3));
  CHECK_FALSE(s.leave(3));
  CHECK_FALSE(looks_out(s));
  CHECK(s.enter(0));
  CHECK(looks_out(s));
}

TEST_CASE("idle_set: take_any spares the watch as long as there is another") {
  idle_set s;
  CHECK(s.enter(0));
  CHECK_FALSE(s.enter(1));
  CHECK_FALSE(s.enter(2));
  CHECK(s.take_any() == 2);
  CHECK(s.take_any() == 1);
  CHECK(looks_out(s));
  CHECK(s.take_any() == 0);
  CHECK(s.take_any() == idle_set::nobody);
  CHECK(s.state() == 0);
}

TEST_CASE("idle_set: the watch stops stepping only when all active workers are idle") {
  idle_set s;
  s.enter(0);
  CHECK_FALSE(s.stop_stepping(2));
  CHECK(looks_out(s));
  s.enter(1);
  CHECK(s.stop_stepping(2));
  CHECK_FALSE(looks_out(s));
  CHECK(s.somebody());
  s.go_on_stepping(1);  // not its watch
  CHECK_FALSE(looks_out(s));
  s.go_on_stepping(0);
  CHECK(looks_out(s));
}

TEST_CASE("idle_set: a watch that does not step is taken out first") {
  idle_set s;
  CHECK(s.enter(0));
  CHECK_FALSE(s.enter(1));
  CHECK(s.stop_stepping(2));
  CHECK(s.take_any() == 0);
  CHECK(s.unwatched());
  CHECK(s.take_any() == 1);
}

TEST_CASE("idle_set: one that spins is taken out before the others, but not before a watch that does not step") {
  idle_set s;
  CHECK_FALSE(s.begin_spinning(0));  // it is not idle
  CHECK(s.enter(0));
  CHECK_FALSE(s.enter(1));
  CHECK_FALSE(s.enter(2));
  CHECK(s.begin_spinning(1));
  CHECK_FALSE(s.begin_spinning(2));  // one at a time
  CHECK(s.take_any() == 1);
  CHECK(s.begin_spinning(0));
  CHECK(s.take_any() == 0);
  CHECK(s.enter(0));
  CHECK_FALSE(s.enter(1));
  CHECK(s.begin_spinning(1));
  s.end_spinning(2);  // it does not
  CHECK_FALSE(s.begin_spinning(2));
  s.end_spinning(1);
  CHECK(s.begin_spinning(2));
  CHECK(s.stop_stepping(3));
  CHECK(s.take_any() == 0);
  CHECK(s.take_any() == 2);
  CHECK(s.take_any() == 1);
}

TEST_CASE("idle_set: who stands by is counted on only for what it will see soon, and only while it is idle") {
  using post = idle_set::post;
  idle_set s;
  CHECK(s.enter(0));
  CHECK_FALSE(s.enter(1));
  CHECK(s.take_post(0, 0) == post::none);  // it has the watch
  CHECK(s.take_post(2, 0) == post::none);  // it is not idle
  CHECK(s.take_post(1, gossamer::detail::no_deadline) == post::second);
  CHECK(s.leave(0));
  CHECK(s.unwatched());
  CHECK(s.take_post(1, 0) == post::watch);
  CHECK_FALSE(s.enter(0));
  CHECK(s.take_post(0, gossamer::detail::now()) == post::second);
  CHECK(s.leave(1));
  CHECK(looks_out(s));
  CHECK(s.leave(0));
  CHECK(s.state() == 0);
}

// Workers that go idle by the steps I1 to I4 and pushers from outside, who push one token at a time and wait until it
// has been consumed: a push that no worker notices stops the test.
TEST_CASE("idle_set: a push from outside is seen by a worker that goes idle, or wakes it") {
  constexpr long tokens = 3'000 * piece::scale;
  struct alignas(64) seat {
    std::atomic<int> word{0};
    long entered = 0;
    long left = 0;
  };
  for (const int workers : {1, 2, 6}) {
    for (const int pushers : {1, 2}) {
      const auto idle = std::make_unique<idle_set>();
      std::vector<seat> seats(static_cast<std::size_t>(workers));
      std::atomic<long> queue{0};
      std::atomic<long> consumed{0};
      std::atomic<int> pushing{pushers};
      std::atomic<long> wakes{0};
      std::atomic<bool> lost{false};
      const piece::time_limit limit(60);
      piece::in_threads(workers + pushers, static_cast<std::uint64_t>(10 * workers + pushers), [&](int me) {
        if (me >= workers) {
          for (long i = 0; i < tokens && !lost; ++i) {
            queue.fetch_add(1);
            piece::delay();
            if (idle->somebody()) {
              if (const int w = idle->take_any(); w != idle_set::nobody) {
                wakes.fetch_add(1, std::memory_order_relaxed);
                seats[static_cast<std::size_t>(w)].word.store(1, std::memory_order_release);
              }
            }
            for (piece::turns wait; queue.load() > 0 && !lost;) {
              wait.once();
              lost = lost || limit.passed();
            }
          }
          if (--pushing == 0) {  // the last one sends everybody home
            for (seat& s : seats) {
              s.word.fetch_or(2);
            }
          }
          return;
        }
        seat& mine = seats[static_cast<std::size_t>(me)];
        while (pushing != 0) {
          long n = queue.load();
          if (n > 0) {
            if (queue.compare_exchange_strong(n, n - 1)) {
              consumed.fetch_add(1, std::memory_order_relaxed);
            }
            continue;
          }
          mine.word.fetch_and(2, std::memory_order_relaxed);
          idle->enter(me);  // I1
          ++mine.entered;
          piece::delay();
          const bool spins = me % 2 == 0 && idle->begin_spinning(me);
          if (spins && me % 4 == 0) {
            idle->end_spinning(me);
          }
          const bool found = queue.load() > 0;  // I2
          if (found && idle->leave(me)) {       // I3
            ++mine.left;
            continue;
          }
          for (piece::turns wait;;) {  // I4
            const int word = mine.word.load(std::memory_order_acquire);
            if ((word & 1) != 0) {
              break;
            }
            if (word != 0 || lost) {
              mine.left += idle->leave(me) ? 1 : 0;
              break;
            }
            wait.once();
          }
        }
      });
      CHECK_FALSE(lost);
      CHECK(consumed == tokens * pushers);
      long entered = 0;
      long out = 0;
      for (const seat& s : seats) {
        entered += s.entered;
        out += s.left;
      }
      CHECK(entered == out + wakes);  // each was taken out once
      CHECK(idle->count() == 0);
    }
  }
}

TEST_CASE("idle_set: of those that want to take a worker out, one does") {
  constexpr int rounds = 3'000 * piece::scale;
  for (const int workers : {1, 2, 6}) {
    const auto idle = std::make_unique<idle_set>();
    std::vector<std::atomic<int>> in(static_cast<std::size_t>(workers));
    std::atomic<long> wrong{0};
    std::atomic<int> entering{workers};
    // Each worker enters when it is out; two wakers take out whoever there is, and the worker itself tries too.
    piece::in_threads(workers + 2, static_cast<std::uint64_t>(workers), [&](int me) {
      if (me < workers) {
        std::atomic<int>& mine = in[static_cast<std::size_t>(me)];
        for (int i = 0; i < rounds; ++i) {
          wrong.fetch_add(mine.exchange(1) != 0 ? 1 : 0, std::memory_order_relaxed);
          idle->enter(me);
          piece::delay();
          if (idle->leave(me)) {
            wrong.fetch_add(mine.exchange(0) != 1 ? 1 : 0, std::memory_order_relaxed);
          } else {
            for (piece::turns wait; mine.load() != 0;) {
              wait.once();
            }
          }
        }
        --entering;
      } else {
        for (piece::turns wait; entering != 0;) {
          const int w = idle->take_any();
          if (w != idle_set::nobody) {
            wrong.fetch_add(in[static_cast<std::size_t>(w)].exchange(0) != 1 ? 1 : 0, std::memory_order_relaxed);
          } else {
            wait.once();
          }
        }
      }
    });
    CHECK(wrong == 0);
    CHECK(idle->count() == 0);
    CHECK(idle->state() == 0);
  }
}
