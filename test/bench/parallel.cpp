// Fibers that compute: does a second worker take its share, and how soon?
#include <gossamer/gossamer.hpp>

#include <string>
#include <thread>
#include <vector>

#include "measure.hpp"
#include "rows.hpp"

namespace bench {
namespace {

using namespace gossamer;

figure calibrate(long) { return {static_cast<double>(steps_in_200_us())}; }

// 64 fibers of `steps` of work each (200 us by default), joined: the median time of 100 such rounds.
figure parfor(long steps) {
  constexpr int fibers = 64;
  if (steps == 0) {
    steps = steps_in_200_us();
  }
  std::vector<double> took;
  for (int round = 0; round < 110; ++round) {
    sync::wait_group over;
    over.add(fibers);
    const auto start = clock::now();
    for (int i = 0; i < fibers; ++i) {
      go([&over, steps] {
        compute(steps);
        over.done();
      });
    }
    over.wait();
    if (round >= 10) {
      took.push_back(milliseconds_since(start));
    }
  }
  return {quantile(took, 0.5)};
}

// Two fibers are busy for 5 ms each. Returns how long it took until both were done.
double two_hogs_ms() {
  sync::wait_group over;
  over.add(2);
  const auto start = clock::now();
  for (int i = 0; i < 2; ++i) {
    go([&over] {
      spin_for(5ms);
      over.done();
    });
  }
  over.wait();
  return milliseconds_since(start);
}

// The share of the runs in which the two were done within 6.5 ms, so that they must have run side by side.
template <class Before>
figure share_in_parallel(long runs, Before before) {
  constexpr long warm = 10;
  long good = 0;
  std::vector<double> took;
  for (long i = 0; i < runs + warm; ++i) {
    before();
    const double ms = two_hogs_ms();
    if (i >= warm) {
      good += ms <= 6.5 ? 1 : 0;
      took.push_back(ms);
    }
  }
  return {100 * static_cast<double>(good) / static_cast<double>(runs), "p50_ms=" + std::to_string(quantile(took, 0.5))};
}

figure two_hogs_idle(long runs) {
  return share_in_parallel(runs, [] { time::sleep(10ms); });
}

figure two_hogs_pingpong(long runs) {
  const auto to = make_chan<int>();
  const auto back = make_chan<int>();
  go([=] {
    for (const int v : to) {
      back << v;
    }
  });
  const figure f = share_in_parallel(runs, [&] {
    for (int i = 0; i < 2000; ++i) {
      to << i;
      back.recv();
    }
  });
  close(to);
  return f;
}

// A value for a receiver that waits, from a fiber that then computes for 8 ms: when does the receiver run?
figure handoff_then_compute(long runs) {
  constexpr long warm = 10;
  const auto work = make_chan<clock::time_point>();
  const auto delay = make_chan<double>(1);
  go([=] {
    for (const auto sent : work) {
      delay << milliseconds_since(sent);
    }
  });
  std::vector<double> took;
  for (long i = 0; i < runs + warm; ++i) {
    time::sleep(2ms);  // by now the receiver waits
    work << clock::now();
    spin_for(8ms);
    const double ms = *delay;
    if (i >= warm) {
      took.push_back(ms);
    }
  }
  close(work);
  return {quantile(took, 0.95), "p50_ms=" + std::to_string(quantile(took, 0.5))};
}

// A fiber asks and a plain thread answers.
figure thread_roundtrip(long trips) {
  const auto to = make_chan<int>();
  const auto back = make_chan<int>();
  std::thread other([=] {
    for (const int v : to) {
      back << v;
    }
  });
  std::vector<double> took;
  took.reserve(static_cast<std::size_t>(trips));
  const auto start = clock::now();
  for (long i = 0; i < trips; ++i) {
    const auto sent = clock::now();
    to << static_cast<int>(i);
    back.recv();
    took.push_back(nanoseconds_since(sent) / 1e3);
  }
  const double all = nanoseconds_since(start) / 1e3;
  close(to);
  runtime::blocking([&] { other.join(); });
  return {all / static_cast<double>(trips),
          "p50_us=" + std::to_string(quantile(took, 0.5)) + " p99_us=" + std::to_string(quantile(took, 0.99))};
}

constexpr row rows[] = {
    {"calibrate", "steps", 1, 0, calibrate},
    {"parfor", "ms", 0, 0, parfor},
    {"two_hogs_idle", "%", 200, 0, two_hogs_idle},
    {"two_hogs_pingpong", "%", 200, 0, two_hogs_pingpong},
    {"handoff_then_compute", "ms", 200, 0, handoff_then_compute},
    {"thread_roundtrip", "us", 50'000, 5'000, thread_roundtrip},
};

}  // namespace

std::span<const row> parallel_rows() { return rows; }

}  // namespace bench
