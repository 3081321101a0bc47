// sync::map against a std::map (docs/go-semantics.md, MA1): random programs in one fiber, where every result is the
// model's; and random programs in several, whose results per key must fit into some order of the calls.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "fiber_test.hpp"

using namespace gossamer;
using support::crew;
using support::scale;

namespace {

enum class op : std::uint8_t { load, store, load_or_store, load_and_delete, erase, swap, cas, cad };
constexpr int operations = 8;

constexpr int none = -1;  // no value

// What a call was, and what it said: `before` is the value that it found (a store and a delete say nothing of it).
struct event {
  op what{};
  int key = 0;
  int value = 0;  // to be set
  int old = 0;    // to be compared with
  int before = none;
  bool did = false;
  std::uint64_t began = 0, ended = 0;

  // Does to v, the key's value, what the call does; false if it cannot have come out as it did.
  bool apply(int& v) const {
    const int was = v;
    switch (what) {
      case op::load:
        return before == was;
      case op::store:
        v = value;
        return true;
      case op::load_or_store:
        v = was != none ? was : value;
        return did == (was != none) && before == v;
      case op::load_and_delete:
        v = none;
        return before == was;
      case op::erase:
        v = none;
        return true;
      case op::swap:
        v = value;
        return before == was;
      case op::cas:
        v = did ? value : was;
        return did == (was == old);
      case op::cad:
        v = did ? none : was;
        return did == (was == old);
    }
    return false;
  }
};

template <class Map>
void perform(Map& m, event& e) {
  switch (e.what) {
    case op::load:
      e.before = m.load(e.key).value_or(none);
      break;
    case op::store:
      m.store(e.key, e.value);
      break;
    case op::load_or_store: {
      const auto [v, loaded] = m.load_or_store(e.key, e.value);
      e.before = v;
      e.did = loaded;
      break;
    }
    case op::load_and_delete:
      e.before = m.load_and_delete(e.key).value_or(none);
      break;
    case op::erase:
      m.delete_(e.key);
      break;
    case op::swap:
      e.before = m.swap(e.key, e.value).value_or(none);
      break;
    case op::cas:
      e.did = m.compare_and_swap(e.key, e.old, e.value);
      break;
    case op::cad:
      e.did = m.compare_and_delete(e.key, e.old);
      break;
  }
}

// The topmost bits choose the shard, the lower ones the slot: with few hashes keys meet in both.
struct few_hashes {
  std::size_t operator()(int k) const { return static_cast<std::size_t>(k % 5); }
};

// A number that is no trivial type: the map puts another node in the place of one that holds it.
struct boxed {
  boxed(int its) : n(its) {}
  boxed(const boxed& other) : n(other.n) {}
  operator int() const { return n; }
  const int n;
};

template <class Value, class Hash>
int program(std::uint64_t seed, int steps, int keys) {
  base::rng random(seed);
  sync::map<int, Value, Hash> m;
  std::map<int, int> model;
  int wrong = 0;
  const auto pick = [&](int n) { return static_cast<int>(random.below(static_cast<std::uint32_t>(n))); };
  for (int s = 0; s < steps; ++s) {
    if (pick(300) == 0) {
      m.clear();
      model.clear();
    }
    event e{.what = static_cast<op>(pick(operations)), .key = pick(keys), .value = pick(4), .old = pick(4)};
    perform(m, e);
    const auto it = model.find(e.key);
    int v = it != model.end() ? it->second : none;
    wrong += !e.apply(v);
    if (v != none) {
      model[e.key] = v;
    } else {
      model.erase(e.key);
    }
    if (pick(100) == 0) {
      std::map<int, int> seen;
      m.range([&](int k, int its) { wrong += !seen.emplace(k, its).second; });
      wrong += seen != model;
    }
  }
  return wrong;
}

// Whether the calls of one key fit into an order in which no call comes before one that had ended when it began. Depth
// first, with what was tried remembered: (calls done, value).
class history {
 public:
  explicit history(std::vector<event> calls) : calls_(std::move(calls)) {
    std::sort(calls_.begin(), calls_.end(), [](const event& a, const event& b) { return a.began < b.began; });
  }
  bool fits() { return search(0, none); }

 private:
  bool search(std::uint64_t done, int v) {
    if (done == (calls_.size() == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << calls_.size()) - 1)) {
      return true;
    }
    if (!tried_.emplace(done, v).second) {
      return false;
    }
    std::uint64_t earliest_end = ~std::uint64_t{0};
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      if ((done >> i & 1) == 0) {
        earliest_end = std::min(earliest_end, calls_[i].ended);
      }
    }
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      if ((done >> i & 1) != 0 || calls_[i].began > earliest_end) {
        continue;
      }
      int after = v;
      if (calls_[i].apply(after) && search(done | std::uint64_t{1} << i, after)) {
        return true;
      }
    }
    return false;
  }

  std::vector<event> calls_;
  std::set<std::pair<std::uint64_t, int>> tried_;
};

template <class Value>
int misfits_of_histories() {
  constexpr int fibers = 4, keys = 3, calls = 45;  // about 60 a key at most
  int misfits = 0;
  for (int round = 0; round < scale(100); ++round) {
    sync::map<int, Value, few_hashes> m;
    std::atomic<std::uint64_t> clock{1};
    std::vector<std::vector<event>> all(fibers);
    crew team;
    for (int f = 0; f < fibers; ++f) {
      team.go([&, f, round] {
        base::rng random(static_cast<std::uint64_t>(round * fibers + f + 1));
        const auto pick = [&](int n) { return static_cast<int>(random.below(static_cast<std::uint32_t>(n))); };
        for (int i = 0; i < calls; ++i) {
          event e{.what = static_cast<op>(pick(operations)), .key = pick(keys), .value = pick(3), .old = pick(3)};
          e.began = clock.fetch_add(1);
          perform(m, e);
          e.ended = clock.fetch_add(1);
          all[static_cast<std::size_t>(f)].push_back(e);
          if (pick(8) == 0) {
            runtime::gosched();
          }
        }
      });
    }
    team.join();
    for (int k = 0; k < keys; ++k) {
      std::vector<event> of_key;
      for (const auto& one : all) {
        std::copy_if(one.begin(), one.end(), std::back_inserter(of_key), [k](const event& e) { return e.key == k; });
      }
      if (of_key.size() <= 64) {
        misfits += !history(std::move(of_key)).fits();
      }
    }
  }
  return misfits;
}

}  // namespace

FIBER_TEST("MA1: random programs come out as those of a std::map") {
  int wrong = 0;
  for (std::uint64_t seed = 1; seed <= static_cast<std::uint64_t>(scale(30)); ++seed) {
    wrong += program<int, std::hash<int>>(seed, 1000, 5 + static_cast<int>(seed) * 7);
    wrong += program<int, few_hashes>(seed + 1000, 300, 20);
    wrong += program<boxed, std::hash<int>>(seed, 1000, 5 + static_cast<int>(seed) * 7);
    wrong += program<boxed, few_hashes>(seed + 1000, 300, 20);
  }
  CHECK(wrong == 0);
}

FIBER_TEST("MA1: what several fibers see of a key fits into an order of their calls") {
  CHECK(misfits_of_histories<int>() == 0);
  CHECK(misfits_of_histories<boxed>() == 0);
}

PLAIN_TEST("the check of histories refuses what cannot be") {
  // A load that finds nothing begins after a store has ended.
  event store{.what = op::store, .value = 1, .began = 1, .ended = 2};
  event load{.what = op::load, .began = 3, .ended = 4};
  CHECK_FALSE(history({store, load}).fits());
  load.began = 1;
  CHECK(history({store, load}).fits());
  event both{.what = op::load_or_store, .value = 2, .before = 2, .did = false, .began = 5, .ended = 6};
  CHECK_FALSE(history({store, both}).fits());
}
