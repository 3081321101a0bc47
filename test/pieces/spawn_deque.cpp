// spawn_deque: the owner's newest first, the thieves' oldest first, each item to exactly one taker, and with it all
// that was written before its push.
#include "piece.hpp"  // first: it perturbs the piece

#include "sched/spawn_deque.hpp"

#include <memory>
#include <vector>

namespace {

// Plain fields: written before the push, and by the one who took it.
struct item {
  std::uint64_t number = 0;
  std::uint64_t payload = 0;
  int taken = 0;
};

using deque = gossamer::sched::spawn_deque<item>;

constexpr std::uint64_t payload_of(std::uint64_t number) { return number * 0x9e3779b97f4a7c15U; }

struct taker {
  std::uint64_t last = 0;  // numbers start at 1
  std::uint64_t count = 0;
  std::uint64_t wrong = 0;

  void take(item& i) {
    wrong += i.payload != payload_of(i.number) ? 1 : 0;
    last = i.number;
    ++i.taken;
    ++count;
  }
  // The oldest come in order: top_ only grows.
  void steal(item& i) {
    wrong += i.number <= last ? 1 : 0;
    take(i);
  }
};

struct traffic {
  int thieves;
  std::uint64_t items;
  std::uint32_t most_pushes;
  std::uint32_t most_pops;
};

void run_traffic(const traffic& t, std::uint64_t seed) {
  const auto d = std::make_unique<deque>();
  std::vector<item> items(t.items);
  std::vector<taker> takers(static_cast<std::size_t>(t.thieves) + 1);
  std::atomic<bool> pushed_all{false};
  std::atomic<bool> stuck{false};
  const piece::time_limit limit(60);
  piece::in_threads(t.thieves + 1, seed, [&](int thread) {
    taker& mine = takers[static_cast<std::size_t>(thread)];
    if (thread == 0) {
      std::uint64_t next = 0;
      std::uint64_t turns = 0;
      while (next < t.items && !stuck) {
        for (std::uint32_t n = piece::delays.below(t.most_pushes) + 1; n != 0 && next < t.items; --n) {
          item& i = items[next];
          i.number = next + 1;
          i.payload = payload_of(i.number);
          if (!d->push(&i)) {
            break;
          }
          ++next;
        }
        for (std::uint32_t n = piece::delays.below(t.most_pops + 1); n != 0; --n) {
          if (item* i = d->pop()) {
            mine.take(*i);
          }
        }
        if (++turns % 1024 == 0) {
          stuck = limit.passed();
        }
      }
      if (t.most_pops > 0) {
        while (item* i = d->pop()) {
          mine.take(*i);
        }
      }
      // relaxed: it must not order what the deque orders.
      pushed_all.store(true, std::memory_order_relaxed);
    } else {
      for (;;) {
        const bool last_round = pushed_all.load(std::memory_order_relaxed);
        if (item* i = d->steal()) {
          mine.steal(*i);
        } else if ((last_round && d->empty()) || stuck.load(std::memory_order_relaxed)) {
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
  CHECK(d->empty());
}

constexpr auto many = static_cast<std::uint64_t>(100'000 * piece::scale);

}  // namespace

TEST_CASE("spawn_deque: the owner gets the newest, a thief the oldest, around the slots") {
  const auto d = std::make_unique<deque>();
  std::vector<item> items(10);
  for (int round = 0; round < 1000; ++round) {
    for (item& i : items) {
      CHECK(d->push(&i));
    }
    CHECK(d->size() == 10);
    for (std::size_t i = 0; i < 5; ++i) {
      CHECK(d->pop() == &items[9 - i]);
      CHECK(d->steal() == &items[i]);
    }
    CHECK(d->pop() == nullptr);
    CHECK(d->steal() == nullptr);
    CHECK(d->empty());
  }
}

TEST_CASE("spawn_deque: a full deque refuses, and takes one more for each that leaves at either end") {
  const auto d = std::make_unique<deque>();
  std::vector<item> items(deque::capacity + 2);
  for (std::size_t i = 0; i < deque::capacity; ++i) {
    CHECK(d->push(&items[i]));
  }
  item* const extra = &items[deque::capacity];
  CHECK_FALSE(d->push(extra));
  CHECK(d->size() == deque::capacity);
  CHECK(d->steal() == &items[0]);
  CHECK(d->taken() == 1);
  CHECK(d->push(extra));
  CHECK_FALSE(d->push(extra + 1));
  CHECK(d->pop() == extra);
  CHECK(d->push(extra + 1));
  CHECK_FALSE(d->push(extra));
}

TEST_CASE("spawn_deque: owner and thieves take each item once and whole") {
  std::uint64_t seed = 1;
  for (const int thieves : {1, 2, 5}) {
    run_traffic({thieves, many, 8, 8}, seed++);
    run_traffic({thieves, many, 40, 20}, seed++);
  }
}

TEST_CASE("spawn_deque: thieves alone empty a deque that is often full") {
  for (const int thieves : {1, 3}) {
    run_traffic({thieves, many, 1500, 0}, 20 + static_cast<std::uint64_t>(thieves));
  }
}

TEST_CASE("spawn_deque: the last item goes to the owner or to one thief") {
  for (const int thieves : {1, 2, 5}) {
    run_traffic({thieves, 4 * many, 1, 1}, 30 + static_cast<std::uint64_t>(thieves));
  }
}
