// sync::pool (docs/go-semantics.md, PO1).
#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "fiber_test.hpp"
#include "tracked.hpp"

using namespace gossamer;
using support::crew;
using support::eventually;
using support::scale;

namespace {

constinit sync::pool<std::string> global_pool;  // usable before main()
const bool put_before_main = [] {
  global_pool.put("before main");
  return global_pool.get() == "before main";
}();

struct family {};
using census = support::census<family>;

// Move-only, and there is none without a number.
struct numbered {
  explicit numbered(int number) : n(std::make_unique<int>(number)) {}
  std::unique_ptr<int> n;
  support::life<family> life;
};
static_assert(!std::is_default_constructible_v<numbered> && !std::is_copy_constructible_v<numbered>);

// Two rounds of visits: nothing was used between them.
void forget_unused() {
  detail::tenant::visit_all_now();
  detail::tenant::visit_all_now();
}

}  // namespace

FIBER_TEST("a pool gives back what was put, and makes what it has not") {
  CHECK(put_before_main);
  sync::pool<std::string> strings;
  CHECK(strings.get().empty());
  strings.put("kept");
  CHECK(strings.get() == "kept");
  CHECK(strings.get().empty());
  int made = 0;
  sync::pool counted{[&] { return ++made; }};
  static_assert(std::is_same_v<decltype(counted.get()), int>);
  CHECK(counted.get() == 1);
  counted.put(7);
  CHECK(counted.get() == 7);
  CHECK(counted.get() == 2);
  sync::pool<int*> pointers;
  CHECK(pointers.get() == nullptr);
}

FIBER_TEST("a pool holds move-only values without a default, and destroys each once") {
  CHECK(census::alive == 0);
  {
    sync::pool<numbered> pool{[] { return numbered(-1); }};
    for (int i = 0; i < 100; ++i) {
      pool.put(numbered(i));
    }
    std::vector<numbered> taken;
    std::array<int, 100> seen{};
    for (int i = 0; i < 100; ++i) {
      taken.push_back(pool.get());
      ++seen[static_cast<std::size_t>(*taken.back().n)];
    }
    CHECK(seen == [] {
      std::array<int, 100> one{};
      one.fill(1);
      return one;
    }());
    CHECK(*pool.get().n == -1);
    for (int i = 0; i < 50; ++i) {
      pool.put(std::move(taken[static_cast<std::size_t>(i)]));
    }
  }
  CHECK(census::alive == 0);
}

FIBER_TEST("a factory that throws leaves the pool as it was") {
  bool fails = true;
  sync::pool pool{[&] {
    if (fails) {
      panic("no more");
    }
    return 5;
  }};
  CHECK(support::panic_of([&] { (void)pool.get(); }) == "no more");
  pool.put(1);
  CHECK(pool.get() == 1);
  fails = false;
  CHECK(pool.get() == 5);
}

FIBER_TEST("a worker takes what others have put, beyond what each keeps for itself") {
  constexpr int values = 64;
  sync::pool<int> pool;
  crew putters;
  for (int i = 0; i < values; ++i) {
    putters.go([&, i] {
      pool.put(i + 1);
      runtime::gosched();
    });
  }
  putters.join();
  int found = 0;
  for (int i = 0; i < values; ++i) {
    found += pool.get() != 0;
  }
  // One a worker is not to be had by the others.
  CHECK(found >= values - support::width());
}

FIBER_TEST("a value is had by one at a time, whoever puts and gets") {
  struct box {
    std::atomic<int> users{0};
  };
  std::atomic<int> shared = 0, made = 0;
  {
    sync::pool pool{[&] {
      ++made;
      return std::make_unique<box>();
    }};
    const auto use = [&](int rounds) {
      std::vector<std::unique_ptr<box>> mine;
      for (int r = 0; r < rounds; ++r) {
        const int n = 1 + r % 4;
        for (int i = 0; i < n; ++i) {
          mine.push_back(pool.get());
          shared += mine.back()->users.fetch_add(1) != 0;
        }
        if (r % 16 == 0) {
          runtime::gosched();
        }
        for (auto& b : mine) {
          b->users.fetch_sub(1);
          pool.put(std::move(b));
        }
        mine.clear();
      }
    };
    crew all;
    std::thread plain([&] { use(scale(2000)); });
    for (int f = 0; f < 8; ++f) {
      all.go([&] { use(scale(2000)); });
    }
    // Visits take values away beside them.
    for (int i = 0; i < scale(200); ++i) {
      detail::tenant::visit_all_now();
      runtime::gosched();
    }
    all.join();
    plain.join();
  }
  CHECK(shared == 0);
  CHECK(made > 0);
}

FIBER_TEST("PO1: a pool may drop what it holds: what nobody used between two visits, and no more") {
  CHECK(census::alive == 0);
  sync::pool<numbered> pool{[] { return numbered(-1); }};
  crew putters;
  for (int i = 0; i < 20; ++i) {
    putters.go([&, i] { pool.put(numbered(i)); });
  }
  putters.join();
  CHECK(census::alive == 20);
  detail::tenant::visit_all_now();
  CHECK(census::alive == 20);  // just put
  forget_unused();
  CHECK(census::alive == 0);
  CHECK(*pool.get().n == -1);
  pool.put(numbered(1));
  CHECK(*pool.get().n == 1);  // a pool that has dropped all goes on
}

FIBER_TEST("PO1: what is in use all the time stays") {
  sync::pool<int> pool;
  pool.put(3);
  for (int i = 0; i < 5; ++i) {
    const int v = pool.get();
    // On one worker nothing is dropped between; beside others the value may lie with one that left it unused.
    if (support::width() == 1) {
      CHECK(v == 3);
    }
    pool.put(3);
    detail::tenant::visit_all_now();
  }
}

// The only one that waits for the runtime's own visits: 2 to 4 s, the time that a pool keeps what nobody uses.
PLAIN_TEST("PO1: a process that does nothing gives its pooled values back within seconds") {
  CHECK(census::alive == 0);
  run(
      [] {
        sync::pool<numbered> pool{[] { return numbered(-1); }};
        for (int i = 0; i < 10; ++i) {
          pool.put(numbered(i));
        }
        for (int i = 0; census::alive != 0 && i < 1000; ++i) {
          time::sleep(20ms);  // all is idle meanwhile
        }
        CHECK(census::alive == 0);
      },
      {.procs = 2});
}

PLAIN_TEST("plain threads use a pool without a runtime") {
  std::atomic<int> made = 0;
  sync::pool pool{[&] {
    ++made;
    return numbered(-1);
  }};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < scale(1000); ++i) {
        numbered a = pool.get();
        numbered b = pool.get();
        pool.put(std::move(a));
        pool.put(std::move(b));
      }
    });
  }
  for (auto& t : threads) {
    t.join();
  }
  // A list that somebody is at is passed over: more may be made than are in use at a time.
  CHECK(census::alive == made);
  CHECK(made >= 2);
  CHECK(made < scale(1000) * 4);
}

PLAIN_TEST("a pool stays as it was from one run to the next") {
  sync::pool<int> pool;
  run([&] { pool.put(9); }, {.procs = 1});
  run([&] { CHECK(pool.get() == 9); }, {.procs = 1});
}
