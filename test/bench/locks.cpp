// The mutex: alone, crowded, and with a holder that gives way.
#include <gossamer/gossamer.hpp>

#include <string>

#include "measure.hpp"
#include "rows.hpp"

namespace bench {
namespace {

using namespace gossamer;

figure uncontended(long rounds) {
  sync::mutex mu;
  long count = 0;
  const auto start = clock::now();
  for (long r = 0; r < rounds; ++r) {
    mu.lock();
    ++count;
    mu.unlock();
  }
  const double took = nanoseconds_since(start);
  if (count != rounds) {
    panic("mutex: lost count");
  }
  return {took / static_cast<double>(rounds)};
}

// A hundred fibers count under one mutex; with `yields` every 16th time the holder gives way, so that others must park.
figure hundred(long rounds, bool yields) {
  constexpr int fibers = 100;
  sync::mutex mu;
  sync::wait_group over;
  long count = 0;
  over.add(fibers);
  const auto start = clock::now();
  for (int i = 0; i < fibers; ++i) {
    go([&, rounds, yields] {
      for (long r = 0; r < rounds; ++r) {
        mu.lock();
        ++count;
        if (yields && r % 16 == 0) {
          runtime::gosched();
        }
        mu.unlock();
      }
      over.done();
    });
  }
  over.wait();
  const double took = nanoseconds_since(start);
  if (count != fibers * rounds) {
    panic("mutex: counted " + std::to_string(count));
  }
  return {took / static_cast<double>(fibers * rounds)};
}

constexpr row rows[] = {
    {"mutex_uncontended", "ns/pair", 20'000'000, 1'000'000, uncontended},
    {"mutex_100x10k", "ns/pair", 10'000, 1'000, [](long n) { return hundred(n, false); }},
    {"mutex_holder_yields", "ns/pair", 10'000, 1'000, [](long n) { return hundred(n, true); }},
};

}  // namespace

std::span<const row> lock_rows() { return rows; }

}  // namespace bench
