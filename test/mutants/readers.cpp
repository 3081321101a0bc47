// Readers of an rw_mutex that come from several workers at once, a writer now and then. Kills: writers that come in
// beside a reader that the word does not count, and readers that get lost or are counted twice.
#include <atomic>
#include <chrono>

#include "check.hpp"

namespace {

using namespace gossamer;
using check::expect;

constexpr int fibers = 8;
constexpr auto duration = 1500ms;
constexpr auto ages = 5s;  // nobody waits that long unless readers are counted that have gone

// Guarded by mu; equal but while it is written.
struct twins {
  sync::rw_mutex mu;
  std::atomic<long> first = 0, second = 0;
};

// Does next to nothing under the lock, so that readers meet at its word.
void read_often(twins& t) {
  for (int reads = 0; reads < 2000; ++reads) {
    t.mu.lock_shared();
    const long seen = t.first.load(std::memory_order_relaxed);
    if (reads % 1000 == 0) {
      runtime::gosched();
    }
    expect(t.second.load(std::memory_order_relaxed) == seen, "no reader beside a writer");
    t.mu.unlock_shared();
  }
}

void write(twins& t) {
  expect(t.mu.try_lock_for(ages), "a writer comes in when all readers have gone");
  const long before = t.first.fetch_add(1, std::memory_order_relaxed);
  check::burn(20us);
  expect(t.second.fetch_add(1, std::memory_order_relaxed) == before, "a writer is alone");
  t.mu.unlock();
}

int run_at(int procs) {
  return run(
      [] {
        twins all;
        sync::wait_group over;
        const auto end = check::clock::now() + duration;
        for (int i = 0; i < fibers; ++i) {
          over.go([&] {
            while (check::clock::now() < end) {
              read_often(all);
              write(all);
            }
          });
        }
        over.wait();
        expect(all.mu.try_lock(), "nobody holds it, nor waits for it");
        return 0;
      },
      {.procs = procs});
}

}  // namespace

int main() { return run_at(4); }
