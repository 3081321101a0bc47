// ready_queues: every fiber that is pushed is run once, by its owner or by a thief, with all that was written before
// its push; and the order in which an owner runs what it has. Only the headers are used: a fiber record is plain
// memory.
#include "piece.hpp"  // first: it perturbs the piece

#include "sched/ready_queues.hpp"

#include <array>
#include <memory>

namespace {

using gossamer::detail::fiber;
using gossamer::sched::global_queue;
using gossamer::sched::ready_queues;

std::byte some_stack{};

// Records of which the first `started` have a stack.
std::unique_ptr<fiber[]> make(std::size_t n, std::size_t started) {
  auto records = std::make_unique<fiber[]>(n);
  for (std::size_t i = 0; i < started; ++i) {
    records[i].stack = &some_stack;
  }
  return records;
}

// Queues and what flows over.
struct place {
  global_queue overflow;
  ready_queues queues{overflow};
};

}  // namespace

TEST_CASE("ready_queues: run-next goes first, then ready fibers in their order, and unstarted ones newest first") {
  const auto f = make(7, 4);
  const auto p = std::make_unique<place>();
  ready_queues& q = p->queues;
  CHECK(q.empty());
  CHECK(q.pick() == nullptr);
  CHECK(q.switches() == 0);
  q.push_back(&f[0]);
  q.push_back(&f[1]);
  q.push_next(&f[2]);
  q.push_next(&f[3]);  // f[2] goes behind f[1]
  q.push_spawned(&f[4]);
  q.push_spawned(&f[5]);
  CHECK(q.ready() == 3);
  CHECK(q.backlog() == 5);
  // Unstarted fibers have precedence at first.
  for (const std::size_t i : {3U, 5U, 4U, 0U, 1U, 2U}) {
    CHECK(q.pick() == &f[i]);
  }
  CHECK(q.empty());
  CHECK(q.switches() == 6);
}

TEST_CASE("ready_queues: the unstarted fiber that has waited longest is taken where there are others, and counts") {
  const auto f = make(2, 0);
  const auto p = std::make_unique<place>();
  ready_queues& q = p->queues;
  q.push_spawned(&f[0]);
  CHECK(q.pick_oldest_spawned() == nullptr);
  CHECK(q.switches() == 0);
  q.push_spawned(&f[1]);
  CHECK(q.pick_oldest_spawned() == &f[0]);
  CHECK(q.switches() == 1);
  CHECK(q.pick() == &f[1]);
  CHECK(q.switches() == 2);
}

TEST_CASE("ready_queues: ready and unstarted fibers have precedence in turn") {
  const auto f = make(2, 1);
  const auto p = std::make_unique<place>();
  for (const std::size_t first : {1U, 0U, 1U}) {
    p->queues.push_back(&f[0]);
    p->queues.push_spawned(&f[1]);
    CHECK(p->queues.pick() == &f[first]);
    CHECK(p->queues.pick() == &f[1 - first]);
    while (p->queues.switches() % ready_queues::turn != 0) {
      p->queues.count_switch();
    }
  }
}

TEST_CASE("ready_queues: run-next stands in line after a long streak, where others wait") {
  const auto f = make(2, 2);
  const auto p = std::make_unique<place>();
  for (std::uint32_t i = 0; i < 3 * ready_queues::longest_streak; ++i) {
    p->queues.push_next(&f[0]);
    CHECK(p->queues.pick() == &f[0]);  // nobody else waits
  }
  CHECK(p->queues.pick() == nullptr);  // ends the streak
  p->queues.push_back(&f[1]);
  for (std::uint32_t i = 0; i < ready_queues::longest_streak; ++i) {
    p->queues.push_next(&f[0]);
    CHECK(p->queues.pick() == &f[0]);
  }
  p->queues.push_next(&f[0]);
  CHECK(p->queues.pick() == &f[1]);
  CHECK(p->queues.pick() == &f[0]);
}

TEST_CASE("ready_queues: what does not fit goes to the global queue, the older half first") {
  constexpr std::size_t capacity = 256;
  const auto f = make(capacity + 1, capacity + 1);
  const auto p = std::make_unique<place>();
  CHECK(p->queues.room() == capacity);
  for (std::size_t i = 0; i <= capacity; ++i) {
    p->queues.push_back(&f[i]);
  }
  CHECK(p->queues.ready() == capacity / 2);
  CHECK(p->overflow.size() == capacity / 2 + 1);
  fiber* out = nullptr;
  CHECK(p->overflow.pop(&out, 1) == 1);
  CHECK(out == &f[0]);
  CHECK(p->queues.pick() == &f[capacity / 2]);
  p->queues.drain();
  CHECK(p->queues.empty());
  CHECK(p->overflow.size() == capacity - 1);
}

TEST_CASE("ready_queues: what is taken from the global queue is run oldest first, unstarted or not") {
  const auto f = make(6, 3);
  const auto p = std::make_unique<place>();
  std::array<fiber*, 6> all{&f[3], &f[0], &f[4], &f[1], &f[5], &f[2]};
  p->queues.push_all(all.data(), all.size());
  for (const std::size_t i : {3U, 4U, 5U, 0U, 1U, 2U}) {
    CHECK(p->queues.pick() == &f[i]);
  }
}

TEST_CASE("ready_queues: a thief takes the oldest half, and run-next only where it is alone and asked for") {
  const auto f = make(8, 4);
  const auto from = std::make_unique<place>();
  const auto to = std::make_unique<place>();
  CHECK_FALSE(to->queues.steal_from(from->queues, true));
  from->queues.push_next(&f[0]);
  for (const std::size_t i : {1U, 2U, 3U}) {
    from->queues.push_back(&f[i]);
    from->queues.push_spawned(&f[i + 4]);
  }
  CHECK(to->queues.steal_from(from->queues, true));
  CHECK(to->queues.backlog() == 4);
  CHECK(from->queues.backlog() == 2);
  CHECK(from->queues.has_run_next());
  CHECK(to->queues.steal_from(from->queues, false));
  CHECK(from->queues.backlog() == 0);
  CHECK_FALSE(to->queues.steal_from(from->queues, false));
  CHECK(to->queues.steal_from(from->queues, true));
  CHECK(from->queues.empty());
  CHECK(to->queues.ready() == 4);
}

TEST_CASE("ready_queues: what has waited for a whole step is told from what has come or gone meanwhile") {
  const auto f = make(4, 2);
  const auto p = std::make_unique<place>();
  ready_queues& q = p->queues;
  ready_queues::view before = q.look();
  const auto waited = [&] {
    const ready_queues::view now = q.look();
    const bool result = q.has_waited(before, now);
    before = now;
    return result;
  };
  CHECK_FALSE(waited());
  q.push_back(&f[0]);
  CHECK_FALSE(waited());  // it has just come
  CHECK(waited());
  q.push_back(&f[1]);
  CHECK(q.pick() == &f[0]);
  CHECK_FALSE(waited());
  CHECK(q.pick() == &f[1]);
  q.push_next(&f[0]);
  CHECK_FALSE(waited());
  CHECK(waited());  // it does not get on
  CHECK(q.pick() == &f[0]);
  q.push_spawned(&f[2]);
  q.push_spawned(&f[3]);
  CHECK_FALSE(waited());
  CHECK(q.pick() == &f[3]);
  CHECK(waited());  // the oldest is still there, though the owner gets on
  CHECK(q.pick() == &f[2]);
  CHECK_FALSE(waited());
}

// An owner that pushes by all the ways there are, and thieves. At the end everything has been run once.
TEST_CASE("ready_queues: owner and thieves run each fiber once, and see what was written before its push") {
  constexpr std::size_t each = 60'000 * piece::scale;
  for (const int thieves : {0, 1, 3}) {
    const auto fibers = make(each, each / 2);
    const auto shared = std::make_unique<global_queue>();
    const auto owner = std::make_unique<ready_queues>(*shared);
    std::atomic<std::size_t> run{0};
    std::atomic<long> wrong{0};
    const piece::time_limit limit(60);
    const auto run_one = [&](fiber* f) {
      // Plain fields: written by the owner before the push, and by whoever runs it.
      wrong.fetch_add(f->parent == 1 && f->last_worker == 0 ? 0 : 1, std::memory_order_relaxed);
      f->last_worker = 1;
      run.fetch_add(1, std::memory_order_relaxed);
    };
    piece::in_threads(thieves + 1, static_cast<std::uint64_t>(thieves) + 5, [&](int me) {
      if (me != 0) {
        const auto mine = std::make_unique<ready_queues>(*shared);
        while (run.load(std::memory_order_relaxed) < each && !limit.passed()) {
          if (!mine->steal_from(*owner, piece::delays.below(4) == 0)) {
            ::sched_yield();
          }
          while (fiber* f = mine->pick()) {
            run_one(f);
          }
        }
        return;
      }
      std::size_t next = 0;
      std::array<fiber*, 16> batch{};
      while (run.load(std::memory_order_relaxed) < each && !limit.passed()) {
        for (std::uint64_t n = piece::delays.below(300); n > 0 && next < each; --n) {
          fiber* const f = &fibers[next % 2 == 0 ? next / 2 : each / 2 + next / 2];
          ++next;
          f->parent = 1;
          if (!f->started()) {
            owner->push_spawned(f);
          } else if (piece::delays.below(4) == 0) {
            owner->push_next(f);
          } else {
            owner->push_back(f);
          }
        }
        for (std::uint64_t n = piece::delays.below(300); n > 0; --n) {
          if (fiber* f = owner->pick()) {
            run_one(f);
          }
        }
        if (piece::delays.below(8) == 0) {
          owner->drain();
        }
        owner->push_all(batch.data(), shared->pop(batch.data(), std::min(batch.size(), owner->room())));
      }
    });
    CHECK(wrong == 0);
    CHECK(run == each);
    CHECK(owner->empty());
    CHECK(shared->empty());
  }
}
