// A worker's free records and ids.
#include "sched/record_cache.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "base/rng.hpp"
#include "fiber_test.hpp"

using namespace gossamer;
using sched::record_cache;

namespace {

// What a cache has goes back to the pool: the records of the test are the process's.
void empty(record_cache& cache) {
  record_list all;
  while (cache.size() > 0) {
    all.push(cache.take());
  }
  records.give(all);
}

}  // namespace

PLAIN_TEST("a worker's records come in batches, and the one that came back last is used first") {
  std::atomic<std::uint64_t> ids{1};
  record_cache cache(ids);
  fiber* const a = cache.take();
  CHECK(cache.size() == record_cache::batch - 1);
  fiber* const b = cache.take();
  CHECK(a != b);
  cache.give(a);
  cache.give(b);
  CHECK(cache.take() == b);
  CHECK(cache.take() == a);
  cache.give(a);
  cache.give(b);
  empty(cache);
}

PLAIN_TEST("a worker keeps two batches of records at most") {
  std::atomic<std::uint64_t> ids{1};
  record_cache cache(ids);
  std::vector<fiber*> out;
  for (std::size_t i = 0; i < 5 * record_cache::batch; ++i) {
    out.push_back(cache.take());
  }
  CHECK(std::set<fiber*>(out.begin(), out.end()).size() == out.size());
  std::size_t most = 0;
  for (fiber* f : out) {
    cache.give(f);
    most = std::max(most, cache.size());
  }
  CHECK(most == 2 * record_cache::batch);
  CHECK(cache.size() > 0);
  empty(cache);
}

PLAIN_TEST("ids are reserved in blocks, and each is given once") {
  std::atomic<std::uint64_t> ids{1};
  record_cache one(ids);
  record_cache two(ids);
  std::set<std::uint64_t> seen;
  for (std::uint64_t i = 0; i < record_cache::id_block + 1; ++i) {
    CHECK(seen.insert(one.next_id()).second);
    CHECK(seen.insert(two.next_id()).second);
  }
  CHECK(ids == 1 + 4 * record_cache::id_block);
  CHECK(*seen.begin() == 1);
  CHECK(*seen.rbegin() < ids);
}

PLAIN_TEST("no record and no id is in two caches at once") {
  std::atomic<std::uint64_t> ids{1};
  std::atomic<long> twice{0};
  std::vector<std::vector<std::uint64_t>> given(2);
  const auto work = [&](std::size_t me) {
    base::rng rng(me + 1);
    record_cache cache(ids);
    std::vector<fiber*> mine;
    for (int i = 0; i < 100'000; ++i) {
      if (mine.empty() || rng.below(400) > mine.size()) {
        fiber* const f = cache.take();
        // Plain fields: handed on through the pool's lock.
        twice.fetch_add(f->parent == 0 ? 0 : 1, std::memory_order_relaxed);
        f->parent = 1;
        mine.push_back(f);
        given[me].push_back(cache.next_id());
      } else {
        mine.back()->parent = 0;
        cache.give(mine.back());
        mine.pop_back();
      }
    }
    for (fiber* f : mine) {
      f->parent = 0;
      cache.give(f);
    }
    empty(cache);
  };
  // Records that fibers have had may have a parent still.
  {
    record_cache cache(ids);
    record_list all;
    while (all.size < 4096) {
      all.push(cache.take());
      all.head->parent = 0;
    }
    records.give(all);
    empty(cache);
  }
  std::thread a(work, 0);
  std::thread b(work, 1);
  a.join();
  b.join();
  CHECK(twice == 0);
  std::set<std::uint64_t> seen(given[0].begin(), given[0].end());
  seen.insert(given[1].begin(), given[1].end());
  CHECK(seen.size() == given[0].size() + given[1].size());
}
