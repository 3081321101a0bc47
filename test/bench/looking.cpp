// What it costs to look at all fibers.
#include <gossamer/debug.hpp>
#include <gossamer/gossamer.hpp>
#include <string>

#include "debug/snapshot.hpp"
#include "measure.hpp"
#include "rows.hpp"

namespace bench {
namespace {

using namespace gossamer;

[[gnu::noinline]] void park_deep_down(const chan<void>& until, int frames) {
  if (frames > 0) {
    park_deep_down(until, frames - 1);
  } else {
    until.recv();
  }
  asm volatile("" : : : "memory");
}

// Parked fibers of 10 frames and more, with their stacks and what they wait on, before anything is printed; and then
// how long the one was held up that was held longest.
figure snapshot(long fibers) {
  auto until = make_chan<void>();
  sync::wait_group over;
  over.add(static_cast<int>(fibers));
  for (long i = 0; i < fibers; ++i) {
    go([&, until] {
      park_deep_down(until, 10);
      over.done();
    });
  }
  while (runtime::num_fibers(runtime::status::waiting) < fibers) {
    runtime::gosched();
  }
  const auto start = clock::now();
  const auto seen = debug::fibers({.stacks = true});
  const double took = milliseconds_since(start);
  debug::snapshot timed({.stacks = true}, true);
  timed.time_holds();
  timed.for_each([](const debug::fiber_info&) {});
  close(until);
  over.wait();
  return {took, "seen=" + std::to_string(seen.size()) +
                    " hold_us=" + std::to_string(static_cast<double>(timed.longest_hold().count()) / 1000)};
}

constexpr row rows[] = {
    {"snapshot_10k", "ms", 10'000, 1000, snapshot},
};

}  // namespace

std::span<const row> looking_rows() { return rows; }

}  // namespace bench
