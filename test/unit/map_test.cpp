// sync::map (docs/go-semantics.md, MA1); against a model of it in map_model_test.
#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "child.hpp"
#include "fiber_test.hpp"
#include "tracked.hpp"

using namespace gossamer;
using support::crew;
using support::scale;

namespace {

constinit sync::map<std::string, int> global_map;  // usable before main()
const bool stored_before_main = [] {
  global_map.store("early", 1);
  return true;
}();

struct family {};
using census = support::census<family>;

struct value {
  explicit value(int number) : n(number) {}
  bool operator==(const value& other) const { return n == other.n; }
  int n;
  support::life<family> life;
};

// A key that is only moved, and hashes badly.
struct key {
  explicit key(int number) : n(std::make_unique<int>(number)) {}
  bool operator==(const key& other) const { return *n == *other.n; }
  std::unique_ptr<int> n;
};
struct bad_hash {
  std::size_t operator()(const key& k) const { return static_cast<std::size_t>(*k.n % 3); }
};

}  // namespace

FIBER_TEST("MA1: each of the nine operations does what Go's does") {
  CHECK(stored_before_main);
  CHECK(global_map.load("early") == 1);
  sync::map<std::string, int> m;
  CHECK_FALSE(m.load("a").has_value());
  m.store("a", 1);
  CHECK(m.load("a") == 1);
  m.store("a", 2);
  CHECK(m.load("a") == 2);
  CHECK(m.load_or_store("a", 3) == std::pair(2, true));
  CHECK(m.load_or_store("b", 3) == std::pair(3, false));
  CHECK(m.swap("b", 4) == 3);
  CHECK_FALSE(m.swap("c", 5).has_value());
  CHECK(m.load("c") == 5);
  CHECK_FALSE(m.compare_and_swap("c", 4, 6));
  CHECK_FALSE(m.compare_and_swap("none", 0, 6));
  CHECK(m.compare_and_swap("c", 5, 6));
  CHECK(m.load("c") == 6);
  CHECK_FALSE(m.compare_and_delete("c", 5));
  CHECK_FALSE(m.compare_and_delete("none", 5));
  CHECK(m.compare_and_delete("c", 6));
  CHECK_FALSE(m.load("c").has_value());
  CHECK(m.load_and_delete("b") == 4);
  CHECK_FALSE(m.load_and_delete("b").has_value());
  m.delete_("a");
  m.delete_("a");
  CHECK_FALSE(m.contains("a"));
  m.store("d", 1);
  m.store("e", 2);
  m.clear();
  CHECK_FALSE(m.contains("d"));
  int visited = 0;
  m.range([&](const std::string&, int) { ++visited; });
  CHECK(visited == 0);
  m.store("d", 7);
  CHECK(m.load("d") == 7);
}

FIBER_TEST("MA1: range visits each key once, and ends when the visitor says so") {
  sync::map<int, int> m;
  const int n = scale(5000) + 10;
  for (int i = 0; i < n; ++i) {
    m.store(i, i * i);
  }
  std::set<int> seen;
  bool right = true;
  m.range([&](int k, int v) {
    right = right && v == k * k && seen.insert(k).second;
    return true;
  });
  CHECK(right);
  CHECK(static_cast<int>(seen.size()) == n);
  int visited = 0;
  m.range([&](int, int) { return ++visited < 5; });
  CHECK(visited == 5);
}

FIBER_TEST("MA1: range allows nested calls, blocking and an exception") {
  sync::map<int, std::string> m;
  for (int i = 0; i < 100; ++i) {
    m.store(i, std::to_string(i));
  }
  std::set<int> seen;
  m.range([&](int k, const std::string& v) {
    if (k >= 1000) {  // stored below: it may be visited, or not
      return true;
    }
    CHECK(v == std::to_string(k));
    CHECK(seen.insert(k).second);
    m.delete_(k);
    CHECK(v == std::to_string(k));  // good until the visit ends
    m.store(k + 1000, "new");
    m.delete_((k + 1) % 100);
    runtime::gosched();
    int nested = 0;
    m.range([&](int, const std::string&) { return ++nested < 3; });
    return true;
  });
  int left = 0;
  m.range([&](int k, const std::string&) { left += k < 100; });
  CHECK(left == 0);
  CHECK(support::panic_of([&] { m.range([](int, const std::string&) { panic("seen"); }); }) == "seen");
  m.range([&](int, const std::string&) { m.clear(); });
  CHECK_FALSE(m.contains(1000));
}

FIBER_TEST("keys may be move-only and collide, values have no default, and each is destroyed once") {
  CHECK(census::alive == 0);
  {
    sync::map<key, value, bad_hash> m;
    for (int i = 0; i < 60; ++i) {
      m.store(key(i), value(i));
    }
    for (int i = 0; i < 60; ++i) {
      CHECK(m.load(key(i))->n == i);
      CHECK(m.swap(key(i), value(i + 1))->n == i);
    }
    CHECK(m.compare_and_swap(key(3), value(4), value(5)));
    for (int i = 0; i < 60; i += 2) {
      CHECK(m.load_and_delete(key(i)).has_value());
      CHECK_FALSE(m.contains(key(i)));
      CHECK(m.contains(key(i + 1)));
    }
    int sum = 0;
    m.range([&](const key& k, const value& v) { sum += v.n - *k.n; });
    CHECK(sum == 31);
  }
  CHECK(census::alive == 0);
}

FIBER_TEST("what was replaced and deleted is destroyed at once, or when its visit or copying ends") {
  CHECK(census::alive == 0);
  sync::map<int, value> m;
  for (int i = 0; i < 1000; ++i) {
    m.store(i % 10, value(i));
  }
  CHECK(census::alive == 10);
  m.delete_(0);
  CHECK(census::alive == 9);
  m.range([&](int k, const value& v) {
    m.store(k, value(v.n + 1));
    m.clear();
    CHECK(census::alive >= 1);  // good until the visit ends
    return false;
  });
  CHECK(census::alive == 0);
}

FIBER_TEST("a map of many keys grows, and shrinks its tables when they are gone") {
  sync::map<int, int> m;
  const int n = scale(50'000);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < n; ++i) {
      m.store(i, i + round);
    }
    int wrong = 0;
    for (int i = 0; i < n; ++i) {
      wrong += m.load(i) != i + round;
    }
    CHECK(wrong == 0);
    for (int i = 0; i < n; ++i) {
      m.delete_(i);
    }
    CHECK_FALSE(m.contains(n / 2));
  }
}

FIBER_TEST("fibers and plain threads read while others write, and see whole values that do not go back") {
  // A key's value counts up; it is a string so that one that is torn or freed shows.
  sync::map<int, std::string> m;
  constexpr int keys = 8;
  const auto text = [](int n) { return std::to_string(n) + std::string(40, 'x'); };
  for (int k = 0; k < keys; ++k) {
    m.store(k, text(0));
  }
  std::atomic<bool> over = false;
  std::atomic<int> wrong = 0;
  const auto read = [&] {
    std::array<int, keys> last{};
    for (int r = 0; !over; ++r) {
      const int k = r % keys;
      const auto v = m.load(k);
      if (!v || v->size() < 41 || v->substr(v->size() - 40) != std::string(40, 'x')) {
        ++wrong;
        return;
      }
      int& before = last[static_cast<std::size_t>(k)];
      int now = -1;  // not by std::stoi: it touches errno, which two fibers of one worker share
      std::from_chars(v->data(), v->data() + v->size(), now);
      wrong += now < before;
      before = now;
      if (r % 64 == 0) {
        runtime::gosched();
      }
    }
  };
  crew all;
  for (int f = 0; f < 3; ++f) {
    all.go(read);
  }
  std::thread plain(read);
  crew writers;
  for (int k = 0; k < keys; ++k) {
    writers.go([&, k] {
      for (int i = 1; i <= scale(3000); ++i) {
        m.store(k, text(i));
        m.store(1000 + i % 97, text(i));
        m.delete_(1000 + (i * 7) % 97);
        if (i % 32 == 0) {
          runtime::gosched();
        }
      }
    });
  }
  writers.join();
  over = true;
  all.join();
  plain.join();
  CHECK(wrong == 0);
}

FIBER_TEST("clear takes all keys away at one instant") {
  // The writer stores n keys, with the same value, and clears. Who has seen a key go must not find another of its time.
  sync::map<int, int> m;
  constexpr int n = 30;
  std::atomic<bool> over = false;
  std::atomic<int> halves = 0;
  crew all;
  all.go([&] {
    for (int i = 0; !over; ++i) {
      const int k = i % n;
      const auto before = m.load(k);
      if (before && !m.contains(k)) {
        for (int other = 0; other < n; ++other) {
          halves += m.load(other).value_or(*before + 1) <= *before;
        }
      }
      if (i % 64 == 0) {
        runtime::gosched();
      }
    }
  });
  for (int generation = 0; generation < scale(2000); ++generation) {
    for (int k = 0; k < n; ++k) {
      m.store(k, generation);
    }
    m.clear();
    if (generation % 8 == 0) {
      runtime::gosched();
    }
  }
  over = true;
  all.join();
  CHECK(halves == 0);
  int left = 0;
  m.range([&](int, int) { ++left; });
  CHECK(left == 0);
}

PLAIN_TEST("plain threads use a map without a runtime") {
  sync::map<int, int> m;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < scale(2000); ++i) {
        for (;;) {
          const auto [v, loaded] = m.load_or_store(i % 7, 1);
          if (!loaded || m.compare_and_swap(i % 7, v, v + 1)) {
            break;
          }
        }
      }
    });
  }
  for (auto& t : threads) {
    t.join();
  }
  int sum = 0;
  m.range([&](int, int v) { sum += v; });
  CHECK(sum == 4 * scale(2000));
}

namespace {

// Its copying uses the map that it is in, and lets others run: only a copy constructor that is noexcept must not.
struct busy_copy {
  explicit busy_copy(int number) : n(number) {}
  busy_copy(busy_copy&&) noexcept = default;
  busy_copy(const busy_copy& other) noexcept(false) : n(other.n) {
    if (n == refused) {
      throw std::runtime_error("not copied");
    }
    store_again(n);
    runtime::gosched();
  }
  int n;
  support::life<family> life;

  static constexpr int refused = 13;
  static void store_again(int n);
};
constinit sync::map<int, busy_copy> map_of_busy;
void busy_copy::store_again(int n) { map_of_busy.store(n + 1000, busy_copy(n)); }

}  // namespace

FIBER_TEST("a value's copying may block, use the map and throw") {
  auto& m = map_of_busy;
  for (int i = 0; i < 20; ++i) {
    m.store(i, busy_copy(i));
  }
  crew all;
  for (int f = 0; f < 3; ++f) {
    all.go([] {
      for (int i = 0; i < 200; ++i) {
        const int k = i % 10;
        CHECK(map_of_busy.load(k)->n == k);
        map_of_busy.store(k, busy_copy(k));
        CHECK(map_of_busy.swap(k, busy_copy(k))->n == k);
      }
    });
  }
  all.join();
  CHECK(m.load_and_delete(5)->n == 5);
  CHECK_FALSE(m.contains(5));
  CHECK_THROWS_AS(m.load(busy_copy::refused), std::runtime_error);
  CHECK(m.contains(busy_copy::refused));
  m.clear();
  CHECK(census::alive == 0);
}

namespace {

// Compares by blocking, or by using the map that it is in.
struct bad_key {
  int n;
  void (*meanwhile)() = nullptr;
  bool operator==(const bad_key& other) const {
    if (other.meanwhile != nullptr) {
      other.meanwhile();
    }
    return n == other.n;
  }
};
struct bad_key_hash {
  std::size_t operator()(const bad_key& k) const { return static_cast<std::size_t>(k.n); }
};
constinit sync::map<bad_key, std::string, bad_key_hash> bad_map;

}  // namespace

CHILD_PROGRAM("a comparison that calls its map") {
  return run([] {
    bad_map.store({1}, "one");
    bad_map.load({1, [] { bad_map.store({1}, "two"); }});
    return 9;
  });
}
CHILD_PROGRAM("a comparison that blocks") {
  return run(
      [] {
        bad_map.store({1}, "one");
        bad_map.load({1, [] {
                        go([] { bad_map.store({1}, "two"); });
                        time::sleep(1h);
                      }});
        return 9;
      },
      {.procs = 1});
}
PLAIN_TEST("a comparison that would lock its map for ever is fatal") {
  for (const char* program : {"a comparison that calls its map", "a comparison that blocks"}) {
    const support::child_result r = support::run_child(program);
    CHECK(r.exited_with(2));
    CHECK(support::starts_with(r.err, "fatal error: sync: a key's or value's comparison or copying has blocked"));
  }
}
