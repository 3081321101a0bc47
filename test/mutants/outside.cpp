// Plain threads that start a fiber, or wake one, at the moment when the workers go idle. Kills: workers that go to
// sleep without a second look.
#include <atomic>
#include <optional>
#include <thread>

#include "check.hpp"

namespace {

using namespace gossamer;

constexpr int rounds = 40'000;

// Until the value is there: in a loop, since a thread that slept would be late for the moment of interest.
void await(const std::atomic<int>& value, int wanted) {
  detail::spin_wait spin;
  std::optional<check::clock::time_point> limit;
  for (unsigned turns = 1; value.load() != wanted; ++turns) {
    spin.once();
    if (turns % 1024 == 0) {
      const auto now = check::clock::now();
      limit = limit.value_or(now + 10s);
      check::expect(now < *limit, "what comes from outside is run");
    }
  }
}

void wait_a_moment(base::rng& r) {
  for (std::uint32_t n = r.below(r.below(8) == 0 ? 250 : 25); n != 0; --n) {
    detail::cpu_relax();
  }
}

// Each round begins when the fiber of the last one is about to end, after which its worker goes idle.
void start_fibers(std::uint64_t seed) {
  base::rng r(seed);
  std::atomic<int> ran{-1};
  for (int i = 0; i < rounds; ++i) {
    go([&ran, i] { ran = i; });
    await(ran, i);
    wait_a_moment(r);
  }
}

// The same with a fiber that is about to park.
void talk_to_a_fiber(std::uint64_t seed) {
  base::rng r(seed);
  auto there = make_chan<int>();
  std::atomic<int> received{-1};
  go([there, &received] {
    for (int v : there) {
      received = v;
    }
    received = rounds;
  });
  for (int i = 0; i < rounds; ++i) {
    there << i;
    await(received, i);
    wait_a_moment(r);
  }
  close(there);
  await(received, rounds);
}

}  // namespace

int main() {
  for (const int procs : {1, 2}) {
    runtime::max_procs(procs);
    start_fibers(1);
    talk_to_a_fiber(2);
    std::thread one([] { start_fibers(3); });
    talk_to_a_fiber(4);
    one.join();
  }
}
