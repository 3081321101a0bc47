// Timers, and a process in which nothing happens.
#include <gossamer/gossamer.hpp>

#include <cstdint>

#include "measure.hpp"
#include "rows.hpp"

namespace bench {
namespace {

using namespace gossamer;

// Every fiber sleeps five times, for 1 to 100 ms. What counts is the CPU time of it.
figure sleepers(long fibers) {
  sync::wait_group over;
  over.add(static_cast<int>(fibers));
  const double cpu = cpu_milliseconds();
  for (long i = 0; i < fibers; ++i) {
    go([&over, i] {
      auto random = static_cast<std::uint32_t>(i) * 2654435761u + 1u;
      for (int turn = 0; turn < 5; ++turn) {
        random = random * 1664525u + 1013904223u;
        time::sleep(std::chrono::milliseconds(1 + (random >> 16) % 100));
      }
      over.done();
    });
  }
  over.wait();
  return {cpu_milliseconds() - cpu};
}

// The share of one CPU that 10,000 parked fibers and a sleeping main use.
figure idle_cpu(long seconds) {
  constexpr int fibers = 10'000;
  const auto never = make_chan<void>();
  sync::wait_group over;
  over.add(fibers);
  for (int i = 0; i < fibers; ++i) {
    go([&] {
      never.recv();
      over.done();
    });
  }
  time::sleep(300ms);  // until the last worker has gone to sleep
  const double cpu = cpu_milliseconds();
  time::sleep(std::chrono::seconds(seconds));
  const double used = cpu_milliseconds() - cpu;
  close(never);
  over.wait();
  return {used / (static_cast<double>(seconds) * 1e3) * 100};
}

constexpr row rows[] = {
    {"sleepers", "cpu-ms", 100'000, 10'000, sleepers},
    {"idle_cpu", "%", 10, 0, idle_cpu},
};

}  // namespace

std::span<const row> sleep_rows() { return rows; }

}  // namespace bench
