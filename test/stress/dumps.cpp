// dumps: dumps taken without pause while fibers spawn, park, migrate and end.
//
// usage: dumps [SECONDS [FIBERS [WORKERS[:SNAPSHOTS]...]]]
//
// Default: 30 seconds, 10,000 fibers; at 1, 2 and 8 workers in turn. With SNAPSHOTS it goes on until so many have been
// taken, however long that takes: `dumps 0 10000 1:150 2:80 8:17`.
//
// Every parked stack must go back to its fiber's entry, no fiber may be missing or be there twice, and everybody must
// go on.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <gossamer/debug.hpp>
#include <gossamer/gossamer.hpp>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

using namespace gossamer;
using steady = std::chrono::steady_clock;

namespace {

struct findings {
  long snapshots = 0;
  long looks = 0;
  long torn = 0;
  long twice = 0;
  long lost = 0;
  long failed = 0;
};

constexpr int permanent = 100;

void restless(const std::atomic<bool>& stop, int kind, const chan<int>& shared, sync::mutex& mu) {
  while (!stop) {
    switch (kind) {
      case 0:
        time::sleep(200us);
        break;
      case 1:
        static_cast<void>(select(send(shared, 1), recv(shared, std::ignore)));
        runtime::gosched();  // one of the two can always be had, and nobody is preempted
        break;
      case 2:
        mu.lock();
        runtime::gosched();
        mu.unlock();
        break;
      default: {
        sync::wait_group two;
        two.go([] { runtime::gosched(); });
        two.go([] {});
        two.wait();
      }
    }
  }
}

void look(findings& f) {
  const auto all = debug::fibers({.stacks = true});
  std::unordered_set<std::uint64_t> ids;
  int there = 0;
  for (const debug::fiber_info& info : all) {
    f.twice += ids.insert(info.id).second ? 0 : 1;
    f.torn += info.state == runtime::status::waiting && !info.whole ? 1 : 0;
    there += info.name == "permanent" ? 1 : 0;
  }
  f.lost += permanent - there;
  f.looks += static_cast<long>(all.size());
  ++f.snapshots;
  const debug::format forms[] = {debug::format::text, debug::format::groups, debug::format::json, debug::format::pprof,
                                 debug::format::folded};
  const error err = debug::dump([](std::string_view) -> error { return nil; }, forms[f.snapshots % 5]);
  f.failed += err ? 1 : 0;
}

struct width {
  int workers = 0;
  long least_snapshots = 0;
};

width width_of(const char* text) {
  char* end = nullptr;
  const int workers = static_cast<int>(std::strtol(text, &end, 10));
  return {workers, *end == ':' ? std::atol(end + 1) : 0};
}

int run_at(width at, double seconds, int fibers) {
  findings f;
  std::atomic<bool> stop = false;
  run(
      [&] {
        auto shared = make_chan<int>(8);
        auto never = make_chan<void>();
        sync::mutex mu;
        sync::wait_group all;
        for (int i = 0; i < permanent; ++i) {
          go(fiber_options{.name = "permanent"}, [never] { never.recv(); });
        }
        for (int i = 0; i < fibers; ++i) {
          all.go([&, i] { restless(stop, i % 4, shared, mu); });
        }
        while (debug::fibers({.state = runtime::status::waiting, .name = "permanent"}).size() < permanent) {
          runtime::gosched();
        }
        std::thread looking([&] {
          const auto end = steady::now() + std::chrono::duration<double>(seconds);
          while (steady::now() < end || f.snapshots < at.least_snapshots) {
            look(f);
          }
          stop = true;
        });
        all.wait();
        looking.join();
        close(never);
      },
      {.procs = at.workers});
  std::printf("%d workers: %ld snapshots, %ld fibers seen, %ld torn, %ld twice, %ld lost, %ld failed\n", at.workers,
              f.snapshots, f.looks, f.torn, f.twice, f.lost, f.failed);
  return f.snapshots > 0 && f.torn + f.twice + f.lost + f.failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 30;
  const int fibers = argc > 2 ? std::atoi(argv[2]) : 10'000;
  std::vector<width> widths;
  for (int i = 3; i < argc; ++i) {
    widths.push_back(width_of(argv[i]));
  }
  int failed = 0;
  for (const width at : widths.empty() ? std::vector<width>{{1}, {2}, {8}} : widths) {
    failed += run_at(at, seconds, fibers);
  }
  return failed == 0 ? 0 : 1;
}
