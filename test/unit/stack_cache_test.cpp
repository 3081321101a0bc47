// A worker's free stacks.
#include "sched/stack_cache.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "base/rng.hpp"
#include "fiber_test.hpp"

using namespace gossamer;
using machine::reserve;
using sched::stack_cache;

namespace {

// Classes that the tests' fibers do not use.
constexpr unsigned size_class = 3;
constexpr unsigned other_class = 5;

// So many from the pool.
std::vector<reserve> from_pool(std::size_t n) {
  std::vector<reserve> out(n);
  CHECK(machine::stack_pools[size_class].take(size_class, out) == n);
  return out;
}

void to_pool(const std::vector<reserve>& stacks) { machine::stack_pools[size_class].give(size_class, stacks); }

}  // namespace

PLAIN_TEST("a worker's cache fetches a batch of stacks of the common class, and one of any other") {
  stack_cache cache;
  CHECK(cache.take_hot(size_class) == nullptr);
  const reserve rare = cache.fetch(size_class, false);
  CHECK(rare != nullptr);
  CHECK(cache.size() == 0);
  const reserve common = cache.fetch(size_class, true);
  CHECK(common != nullptr);
  CHECK(cache.size() == stack_cache::batch - 1);
  CHECK(cache.take_hot(other_class) == nullptr);
  cache.give(rare, size_class);
  cache.give(common, size_class);
  CHECK(cache.take_hot(size_class) == common);  // the hottest
  CHECK(cache.take_hot(size_class) == rare);
  cache.give(common, size_class);
  cache.give(rare, size_class);
  cache.flush();
  CHECK(cache.size() == 0);
}

PLAIN_TEST("a worker's cache gives back what it has when another class becomes the common one") {
  stack_cache cache;
  cache.give(cache.fetch(size_class, true), size_class);
  const reserve other = cache.fetch(other_class, true);
  CHECK(cache.size() == stack_cache::batch - 1);
  CHECK(cache.take_hot(size_class) == nullptr);
  cache.give(other, other_class);
  CHECK(cache.take_hot(other_class) == other);
  cache.give(other, other_class);
  cache.flush();
}

PLAIN_TEST("a full cache gives the coldest half of its stacks back, however often it has been full") {
  stack_cache cache;
  cache.give(cache.fetch(size_class, true), size_class);
  cache.flush();
  constexpr std::size_t half = stack_cache::capacity / 2;
  const std::vector<reserve> all = from_pool(stack_cache::capacity + 3 * half + 1);
  for (std::size_t i = 0; i < all.size(); ++i) {
    cache.give(all[i], size_class);
    CHECK(cache.size() <= stack_cache::capacity);
  }
  CHECK(cache.size() == half + 1);
  // The newest are still here, in their order; the others can be had from the pool.
  for (std::size_t i = 0; i < half + 1; ++i) {
    CHECK(cache.take_hot(size_class) == all[all.size() - 1 - i]);
  }
  CHECK(cache.take_hot(size_class) == nullptr);
  to_pool({all.end() - half - 1, all.end()});
}

PLAIN_TEST("no stack is in two caches at once") {
  std::mutex guard;
  std::set<reserve> out;
  long twice = 0;
  const auto work = [&](std::uint64_t seed) {
    base::rng rng(seed);
    stack_cache cache;
    std::vector<reserve> mine;
    for (int i = 0; i < 20'000; ++i) {
      if (mine.empty() || rng.below(2) == 0) {
        reserve r = cache.take_hot(size_class);
        r = r != nullptr ? r : cache.fetch(size_class, true);
        mine.push_back(r);
        const std::scoped_lock hold(guard);
        twice += out.insert(r).second ? 0 : 1;
      } else {
        std::swap(mine[rng.below(static_cast<std::uint32_t>(mine.size()))], mine.back());
        {
          const std::scoped_lock hold(guard);
          out.erase(mine.back());
        }
        cache.give(mine.back(), size_class);
        mine.pop_back();
      }
    }
    const std::scoped_lock hold(guard);
    for (const reserve r : mine) {
      out.erase(r);
      cache.give(r, size_class);
    }
    cache.flush();
  };
  std::thread a(work, 1);
  std::thread b(work, 2);
  a.join();
  b.join();
  CHECK(twice == 0);
}
