// atomic_counter: for a lone number an atomic is enough. The standard library's: fibers need no other.
// Pattern: atomic counters, Go by Example.
//
//   $ tools/dev run atomic_counter
//   50 fibers, 50000 operations
#include <gossamer/gossamer.hpp>

#include <atomic>
#include <cstdio>

using namespace gossamer;

int main() {
  return run([] {
    std::atomic<int> operations = 0;
    sync::wait_group wg;
    for (int i = 0; i < 50; ++i) {
      wg.go([&] {
        for (int n = 0; n < 1000; ++n) ++operations;
      });
    }
    wg.wait();
    std::printf("50 fibers, %d operations\n", operations.load());
  });
}
