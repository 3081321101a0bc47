// What all share: a pool, and a map.
#include <gossamer/gossamer.hpp>

#include <array>
#include <cstddef>
#include <memory>

#include "measure.hpp"
#include "rows.hpp"

namespace bench {
namespace {

using namespace gossamer;

struct buffer {
  std::array<unsigned char, 64> bytes{};
};

// One fiber a worker, each of which does a share of the work.
template <class Work>
void on_all_workers(long size, Work work) {
  const int n = runtime::max_procs();
  sync::wait_group over;
  for (int i = 0; i < n; ++i) {
    over.go([&work, i, share = size / n] { work(i, share); });
  }
  over.wait();
}

// A buffer is taken, written to and given back.
figure pool_get_put(long rounds) {
  sync::pool pool{[] { return std::make_unique<buffer>(); }};
  const auto start = clock::now();
  on_all_workers(rounds, [&](int, long share) {
    for (long r = 0; r < share; ++r) {
      auto b = pool.get();
      ++b->bytes[0];
      pool.put(std::move(b));
    }
  });
  return {nanoseconds_since(start) / static_cast<double>(rounds)};
}

constexpr int keys = 1024;

void fill(sync::map<int, int>& m) {
  for (int k = 0; k < keys; ++k) {
    m.store(k, k);
  }
}

figure map_load_hit(long rounds) {
  sync::map<int, int> m;
  fill(m);
  const auto start = clock::now();
  on_all_workers(rounds, [&](int, long share) {
    long sum = 0, wanted = 0;
    for (long r = 0; r < share; ++r) {
      sum += *m.load(static_cast<int>(r % keys));
      wanted += r % keys;
    }
    if (sum != wanted) {
      panic("map: a wrong value");
    }
  });
  return {nanoseconds_since(start) / static_cast<double>(rounds)};
}

// All of them look at one key.
figure map_load_hot(long rounds) {
  sync::map<int, int> m;
  fill(m);
  const auto start = clock::now();
  on_all_workers(rounds, [&](int, long share) {
    long sum = 0;
    for (long r = 0; r < share; ++r) {
      sum += *m.load(1);
    }
    if (sum != share) {
      panic("map: a wrong value");
    }
  });
  return {nanoseconds_since(start) / static_cast<double>(rounds)};
}

figure map_range(long rounds) {
  sync::map<int, int> m;
  fill(m);
  const auto start = clock::now();
  on_all_workers(rounds / keys, [&](int, long share) {
    for (long r = 0; r < share; ++r) {
      long sum = 0;
      m.range([&](int, int v) { sum += v; });
      if (sum != keys * (keys - 1) / 2) {
        panic("map: a wrong value");
      }
    }
  });
  return {nanoseconds_since(start) / static_cast<double>(rounds)};
}

// Every tenth call stores, the others load.
figure map_store_mixed(long rounds) {
  sync::map<int, int> m;
  fill(m);
  const auto start = clock::now();
  on_all_workers(rounds, [&](int worker, long share) {
    for (long r = 0; r < share; ++r) {
      const int k = static_cast<int>((r + worker * 509) % keys);
      if (r % 10 == 0) {
        m.store(k, k);
      } else if (m.load(k) != k) {
        panic("map: a wrong value");
      }
    }
  });
  return {nanoseconds_since(start) / static_cast<double>(rounds)};
}

constexpr row rows[] = {
    {"pool_get_put", "ns/pair", 20'000'000, 2'000'000, pool_get_put},
    {"map_load_hit", "ns/load", 20'000'000, 2'000'000, map_load_hit},
    {"map_load_hot", "ns/load", 20'000'000, 2'000'000, map_load_hot},
    {"map_range", "ns/key", 20'000'000, 2'000'000, map_range},
    {"map_store_mixed", "ns/call", 20'000'000, 2'000'000, map_store_mixed},
};

}  // namespace

std::span<const row> shared_rows() { return rows; }

}  // namespace bench
