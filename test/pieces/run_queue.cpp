// run_queue: first in first out, each item to exactly one taker, and with it all that was written before its push.
#include "piece.hpp"  // first: it perturbs the piece

#include "sched/run_queue.hpp"

#include <array>
#include <memory>
#include <vector>

namespace piece {

// Plain fields: written before the push, and by the one who took it.
struct item {
  std::uint64_t number = 0;
  std::uint64_t payload = 0;
  int taken = 0;
};

using queue = gossamer::sched::run_queue<item>;

struct head_of {
  using type = std::atomic<std::uint32_t> queue::*;
  friend type member(head_of);
};
struct tail_of {
  using type = std::atomic<std::uint32_t> queue::*;
  friend type member(tail_of);
};
template struct open_member<head_of, &queue::head_>;
template struct open_member<tail_of, &queue::tail_>;

}  // namespace piece

namespace {

using piece::item;
using piece::queue;

// An empty queue through which `passed` items have gone.
void start_at(queue& q, std::uint32_t passed) {
  q.*member(piece::head_of{}) = passed;
  q.*member(piece::tail_of{}) = passed;
}

constexpr std::uint64_t payload_of(std::uint64_t number) { return number * 0x9e3779b97f4a7c15U; }

struct taker {
  std::uint64_t last = 0;  // numbers start at 1
  std::uint64_t count = 0;
  std::uint64_t wrong = 0;  // out of order, or with a payload that is not the item's

  void take(item& i) {
    wrong += i.number <= last || i.payload != payload_of(i.number) ? 1 : 0;
    last = i.number;
    ++i.taken;
    ++count;
  }
};

struct traffic {
  int thieves;
  std::uint32_t passed;  // before it begins
  std::uint64_t items;
  std::uint32_t most_pushes;  // in a row, and then as many pops at most
  std::uint32_t most_pops;
};

// The owner pushes and pops at random, the thieves steal, until all is taken.
void run_traffic(const traffic& t, std::uint64_t seed) {
  const auto q = std::make_unique<queue>();
  start_at(*q, t.passed);
  std::vector<item> items(t.items);
  std::vector<taker> takers(static_cast<std::size_t>(t.thieves) + 1);
  std::atomic<bool> pushed_all{false};
  const piece::time_limit limit(60);
  std::atomic<bool> stuck{false};
  piece::in_threads(t.thieves + 1, seed, [&](int thread) {
    taker& mine = takers[static_cast<std::size_t>(thread)];
    if (thread == 0) {
      std::uint64_t next = 0;
      while (next < t.items && !stuck) {
        for (std::uint32_t n = piece::delays.below(t.most_pushes) + 1; n != 0 && next < t.items; --n) {
          item& i = items[next];
          i.number = next + 1;
          i.payload = payload_of(i.number);
          if (!q->push(&i)) {
            break;
          }
          ++next;
        }
        for (std::uint32_t n = piece::delays.below(t.most_pops + 1); n != 0; --n) {
          if (item* i = q->pop()) {
            mine.take(*i);
          }
        }
        if (piece::delays.below(64) == 0) {
          std::array<item*, queue::capacity / 2> half;
          const std::uint32_t n = q->pop_half(half.data());
          for (std::uint32_t k = 0; k < n; ++k) {
            mine.take(*half[k]);
          }
          stuck = limit.passed();
        }
      }
      if (t.most_pops > 0 || t.thieves == 0) {
        while (item* i = q->pop()) {
          mine.take(*i);
        }
      }
      // relaxed: it must not order what the queue orders.
      pushed_all.store(true, std::memory_order_relaxed);
    } else {
      std::array<item*, queue::capacity / 2> half;
      for (;;) {
        const bool last_round = pushed_all.load(std::memory_order_relaxed);
        const std::uint32_t n = q->steal(half.data());
        for (std::uint32_t k = 0; k < n; ++k) {
          mine.take(*half[k]);
        }
        if (n == 0 && (last_round || stuck.load(std::memory_order_relaxed))) {
          return;
        }
        piece::delay();
      }
    }
  });
  CHECK_FALSE(stuck);
  std::uint64_t count = 0;
  for (const taker& each : takers) {
    CHECK(each.wrong == 0);
    count += each.count;
  }
  CHECK(count == t.items);
  std::uint64_t not_once = 0;
  for (const item& i : items) {
    not_once += i.taken != 1 ? 1 : 0;
  }
  CHECK(not_once == 0);
  CHECK(q->size() == 0);
}

constexpr auto many = static_cast<std::uint64_t>(100'000 * piece::scale);

}  // namespace

TEST_CASE("run_queue: the owner alone gets its items first in first out, around the slots and around the indices") {
  for (const std::uint32_t passed : {0U, 200U, 0xffffff80U}) {
    queue q;
    start_at(q, passed);
    std::array<item, 3 * queue::capacity> items;
    std::size_t in = 0;
    std::size_t out = 0;
    while (out < items.size()) {
      for (int n = 0; n < 7 && in < items.size(); ++n) {
        CHECK(q.push(&items[in++]));
      }
      CHECK(q.size() == in - out);
      CHECK(q.peek(0) == &items[out]);
      CHECK(q.peek(static_cast<std::uint32_t>(in - out) - 1) == &items[in - 1]);
      CHECK(q.peek(static_cast<std::uint32_t>(in - out)) == nullptr);
      for (int n = 0; n < 5 && out < in; ++n) {
        CHECK(q.pop() == &items[out++]);
      }
    }
    CHECK(q.pop() == nullptr);
    CHECK(q.popped() == q.pushed());
    CHECK(q.pushed() == passed + static_cast<std::uint32_t>(items.size()));
  }
}

TEST_CASE("run_queue: a full queue refuses, and takes one more for each that leaves") {
  queue q;
  start_at(q, 0xfffffff0U);
  std::array<item, queue::capacity + 1> items;
  for (std::size_t i = 0; i < queue::capacity; ++i) {
    CHECK(q.push(&items[i]));
  }
  CHECK_FALSE(q.push(&items[queue::capacity]));
  CHECK(q.size() == queue::capacity);
  CHECK(q.pop() == &items[0]);
  CHECK(q.push(&items[queue::capacity]));
  CHECK_FALSE(q.push(&items[0]));
}

TEST_CASE("run_queue: a thief gets the older half rounded up, the owner rounded down") {
  std::array<item, 9> items;
  std::array<item*, queue::capacity / 2> half;
  for (std::uint32_t n = 0; n <= items.size(); ++n) {
    queue q;
    for (std::uint32_t i = 0; i < n; ++i) {
      q.push(&items[i]);
    }
    CHECK(q.steal(half.data()) == (n + 1) / 2);
    for (std::uint32_t i = 0; i < (n + 1) / 2; ++i) {
      CHECK(half[i] == &items[i]);
    }
    CHECK(q.pop_half(half.data()) == n / 2 / 2);
    for (std::uint32_t i = 0; i < n / 2 / 2; ++i) {
      CHECK(half[i] == &items[(n + 1) / 2 + i]);
    }
  }
}

TEST_CASE("run_queue: owner and thieves take each item once, whole, and in order") {
  std::uint64_t seed = 1;
  for (const int thieves : {1, 2, 5}) {
    for (const std::uint32_t passed : {0U, 0xffff0000U}) {
      run_traffic({thieves, passed, many, 8, 8}, seed++);
    }
  }
}

TEST_CASE("run_queue: thieves alone empty a queue that is often full") {
  for (const int thieves : {1, 3}) {
    run_traffic({thieves, 0xffff0000U, many, 400, 0}, 20 + static_cast<std::uint64_t>(thieves));
  }
}

TEST_CASE("run_queue: the last item goes to the owner or to one thief") {
  for (const int thieves : {1, 2, 5}) {
    run_traffic({thieves, 0, many, 1, 1}, 30 + static_cast<std::uint64_t>(thieves));
  }
}
