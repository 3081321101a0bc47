// Contexts; errgroup, semaphore, singleflight and rate.
#include <gossamer/gossamer.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "measure.hpp"
#include "rows.hpp"

namespace bench {
namespace {

using namespace gossamer;

// A child is made and cancelled, under a parent that can be cancelled.
figure with_cancel(long rounds) {
  auto [root, cancel_root] = context::with_cancel(context::background());
  const auto start = clock::now();
  for (long r = 0; r < rounds; ++r) {
    auto [ctx, cancel] = context::with_cancel(root);
    cancel();
  }
  const double took = nanoseconds_since(start);
  cancel_root();
  return {took / static_cast<double>(rounds)};
}

// A parent with a thousand children, each with its done(), is made, cancelled and given up.
figure tree_cancel(long rounds) {
  constexpr std::size_t width = 1000;
  const auto start = clock::now();
  for (long r = 0; r < rounds; ++r) {
    auto [root, cancel] = context::with_cancel(context::background());
    std::vector<context::context> children;
    children.reserve(width);
    for (std::size_t i = 0; i < width; ++i) {
      children.push_back(context::with_cancel(root).first);
      children.back().done();
    }
    cancel();
    if (!children.front().err() || !children.back().err()) {
      panic("context: not cancelled");
    }
  }
  const double took = nanoseconds_since(start);
  return {took / static_cast<double>(rounds) / width};
}

struct bench_key {
  long n;
  bool operator==(const bench_key&) const = default;
};

// The outermost of a hundred values is looked up.
figure deep_value(long rounds) {
  context::context ctx = context::background();
  for (long i = 0; i < 100; ++i) {
    ctx = context::with_value(ctx, bench_key{i}, i);
  }
  long sum = 0;
  const auto start = clock::now();
  for (long r = 0; r < rounds; ++r) {
    sum += *ctx.value<long>(bench_key{0}) + 1;
  }
  const double took = nanoseconds_since(start);
  if (sum != rounds) {
    panic("context: wrong value");
  }
  return {took / static_cast<double>(rounds)};
}

// A group of a thousand tasks.
figure errgroup_1000(long rounds) {
  constexpr int tasks = 1000;
  const auto start = clock::now();
  for (long r = 0; r < rounds; ++r) {
    auto [g, ctx] = errgroup::with_context(context::background());
    for (int i = 0; i < tasks; ++i) {
      g.go([i]() -> error { return i < 0 ? error(context::canceled) : error(); });
    }
    if (g.wait()) {
      panic("errgroup: an error");
    }
  }
  const double took = nanoseconds_since(start);
  return {took / static_cast<double>(rounds * tasks)};
}

figure semaphore_alone(long rounds) {
  semaphore::weighted sem(10);
  auto [ctx, cancel] = context::with_cancel(context::background());
  const auto start = clock::now();
  for (long r = 0; r < rounds; ++r) {
    if (sem.acquire(ctx, 1)) {
      panic("semaphore: an error");
    }
    sem.release(1);
  }
  const double took = nanoseconds_since(start);
  cancel();
  return {took / static_cast<double>(rounds)};
}

// A hundred fibers share ten tokens; who has one gives way.
figure semaphore_crowded(long rounds) {
  constexpr int fibers = 100;
  semaphore::weighted sem(10);
  auto [ctx, cancel] = context::with_cancel(context::background());
  sync::wait_group over;
  const auto start = clock::now();
  for (int i = 0; i < fibers; ++i) {
    over.go([&, rounds, c = ctx] {
      for (long r = 0; r < rounds; ++r) {
        if (sem.acquire(c, 1)) {
          panic("semaphore: an error");
        }
        runtime::gosched();
        sem.release(1);
      }
    });
  }
  over.wait();
  const double took = nanoseconds_since(start);
  cancel();
  return {took / static_cast<double>(fibers * rounds)};
}

// A hundred fibers ask for the same key again and again.
figure singleflight_hot(long rounds) {
  constexpr int fibers = 100;
  singleflight::group<std::string, long> group;
  const std::string key = "key";
  sync::wait_group over;
  const auto start = clock::now();
  for (int i = 0; i < fibers; ++i) {
    over.go([&, rounds] {
      for (long r = 0; r < rounds; ++r) {
        const auto [v, err, shared] = group.do_(key, [&] {
          runtime::gosched();
          return r + 1;
        });
        if (v == 0 || err) {
          panic("singleflight: no value");
        }
      }
    });
  }
  over.wait();
  const double took = nanoseconds_since(start);
  return {took / static_cast<double>(fibers * rounds)};
}

figure rate_allow(long rounds) {
  rate::limiter lim(1e9, 100);
  long allowed = 0;
  const auto start = clock::now();
  for (long r = 0; r < rounds; ++r) {
    allowed += lim.allow();
  }
  const double took = nanoseconds_since(start);
  if (allowed == 0) {
    panic("rate: nothing allowed");
  }
  return {took / static_cast<double>(rounds)};
}

constexpr row rows[] = {
    {"context_with_cancel", "ns/context", 2'000'000, 100'000, with_cancel},
    {"context_tree_cancel", "ns/child", 500, 50, tree_cancel},
    {"context_deep_value", "ns/lookup", 500'000, 50'000, deep_value},
    {"errgroup_1000", "ns/task", 500, 50, errgroup_1000},
    {"semaphore_uncontended", "ns/pair", 5'000'000, 100'000, semaphore_alone},
    {"semaphore_contended", "ns/pair", 5'000, 500, semaphore_crowded},
    {"singleflight_hot", "ns/call", 5'000, 500, singleflight_hot},
    {"rate_allow", "ns/call", 5'000'000, 100'000, rate_allow},
};

}  // namespace

std::span<const row> grouping_rows() { return rows; }

}  // namespace bench
