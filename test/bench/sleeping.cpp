// Timers, and a process in which nothing happens.
#include <gossamer/gossamer.hpp>
#include <gossamer/synctest.hpp>

#include <chrono>
#include <cstdint>
#include <vector>

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

// What a time-out costs that does not come: a thousand at a time are armed for an hour, then stopped. By after_func,
// which Go keeps in its heap as well (a timer with a channel only while somebody waits on it). As Go's
// BenchmarkStartStop.
figure timer_add_stop(long timers) {
  constexpr long batch = 1000;
  std::vector<time::timer> armed;
  armed.reserve(batch);
  const auto start = clock::now();
  for (long done = 0; done < timers; done += batch) {
    for (long i = 0; i < batch; ++i) {
      armed.push_back(time::after_func(1h, [] {}));
    }
    for (const time::timer& t : armed) {
      t.stop();
    }
    armed.clear();
  }
  return {nanoseconds_since(start) / static_cast<double>(timers)};
}

// Every fiber receives ten ticks of a ticker of its own, of 40 to 60 ms. What counts is the CPU time of it.
figure tickers_10k(long tickers) {
  sync::wait_group over;
  over.add(static_cast<int>(tickers));
  const double cpu = cpu_milliseconds();
  for (long i = 0; i < tickers; ++i) {
    go([&over, i] {
      const std::uint32_t random = (static_cast<std::uint32_t>(i) * 2654435761u + 1u) >> 8;
      const auto ticker = time::new_ticker(std::chrono::microseconds(40'000 + random % 20'000));
      for (int tick = 0; tick < 10; ++tick) {
        ticker.c.recv();
      }
      ticker.stop();
      over.done();
    });
  }
  over.wait();
  return {cpu_milliseconds() - cpu};
}

// Rounds of a thousand timers that are due at once, each of which starts its function in a fiber of its own.
figure after_func_1000(long timers) {
  constexpr long batch = 1000;
  const auto start = clock::now();
  for (long done = 0; done < timers; done += batch) {
    sync::wait_group over;
    over.add(batch);
    for (long i = 0; i < batch; ++i) {
      time::after_func(1us, [&over] { over.done(); });
    }
    over.wait();
  }
  return {nanoseconds_since(start) / static_cast<double>(timers)};
}

// One ticker of 100 us, and one who receives its ticks. What counts is the CPU time of a tick: its wall time is given.
figure one_ticker(long ticks) {
  const auto ticker = time::new_ticker(100us);
  const double cpu = cpu_milliseconds();
  for (long i = 0; i < ticks; ++i) {
    ticker.c.recv();
  }
  ticker.stop();
  return {(cpu_milliseconds() - cpu) * 1e3 / static_cast<double>(ticks)};
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

// A hundred fibers sleep in a bubble, whose clock jumps from one to the next.
figure bubble_sleeps(long sleeps) {
  constexpr long fibers = 100;
  const auto start = clock::now();
  synctest::test([&] {
    sync::wait_group all;
    for (long i = 0; i < fibers; ++i) {
      all.go([=] {
        for (long k = 0; k < sleeps / fibers; ++k) {
          time::sleep(1s + std::chrono::microseconds(i));
        }
      });
    }
    all.wait();
  });
  return {nanoseconds_since(start) / static_cast<double>(sleeps)};
}

constexpr row rows[] = {
    {"sleepers", "cpu-ms", 100'000, 10'000, sleepers},
    {"timer_add_stop", "ns/timer", 2'000'000, 200'000, timer_add_stop},
    {"after_func_1000", "ns/timer", 500'000, 50'000, after_func_1000},
    {"ticker", "cpu-us/tick", 10'000, 500, one_ticker},
    {"tickers_10k", "cpu-ms", 10'000, 1'000, tickers_10k},
    {"bubble_sleeps", "ns/sleep", 2'000'000, 100'000, bubble_sleeps},
    {"idle_cpu", "%", 10, 0, idle_cpu},
};

}  // namespace

std::span<const row> sleep_rows() { return rows; }

}  // namespace bench
