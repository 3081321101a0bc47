// The cost of a switch and of a fiber's life.
#include <unistd.h>

#include <gossamer/gossamer.hpp>

#include "measure.hpp"
#include "rows.hpp"

namespace bench {
namespace {

using namespace gossamer;

// Two fibers give way to each other.
figure yield(long rounds) {
  sync::wait_group over;
  over.add(2);
  const auto start = clock::now();
  for (int i = 0; i < 2; ++i) {
    go([&over, rounds] {
      for (long r = 0; r < rounds; ++r) {
        runtime::gosched();
      }
      over.done();
    });
  }
  over.wait();
  return {nanoseconds_since(start) / (2 * static_cast<double>(rounds))};
}

void spawn_and_join(long fibers) {
  sync::wait_group over;
  over.add(static_cast<int>(fibers));
  for (long i = 0; i < fibers; ++i) {
    go([&over] { over.done(); });
  }
  over.wait();
}

// A thousand fibers at a time, each batch joined before the next.
figure spawn_batch(long fibers) {
  constexpr long batch = 1000;
  const long batches = (fibers + batch - 1) / batch;
  const auto start = clock::now();
  for (long i = 0; i < batches; ++i) {
    spawn_and_join(batch);
  }
  return {nanoseconds_since(start) / static_cast<double>(batches * batch)};
}

// All of them before anyone waits.
figure spawn_all(long fibers) {
  const auto start = clock::now();
  spawn_and_join(fibers);
  return {nanoseconds_since(start) / static_cast<double>(fibers)};
}

// An announced call that returns at once.
figure blocking_quick(long rounds) {
  const auto start = clock::now();
  for (long r = 0; r < rounds; ++r) {
    runtime::blocking([] { return ::getppid(); });
  }
  return {nanoseconds_since(start) / static_cast<double>(rounds)};
}

constexpr row rows[] = {
    {"yield", "ns/switch", 5'000'000, 500'000, yield},
    {"spawn_batch", "ns/fiber", 1'000'000, 100'000, spawn_batch},
    {"spawn_all", "ns/fiber", 1'000'000, 1'000'000, spawn_all},
    {"blocking_quick", "ns/call", 5'000'000, 200'000, blocking_quick},
};

}  // namespace

std::span<const row> switching_rows() { return rows; }

}  // namespace bench
