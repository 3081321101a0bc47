// confinement: no lock is needed where each fiber can reach only a part of the data that is its own.
// Pattern: lexical confinement, Katherine Cox-Buday, Concurrency in Go, 2017.
//
//   $ tools/dev run confinement
//   the sum of 1 to 1000 is 500500
#include <gossamer/gossamer.hpp>

#include <array>
#include <cstdio>
#include <numeric>
#include <span>
#include <vector>

using namespace gossamer;

int main() {
  return run([] {
    std::vector<int> numbers(1000);
    std::iota(numbers.begin(), numbers.end(), 1);
    std::array<long, 4> sums{};

    sync::wait_group wg;
    for (std::size_t i = 0; i < sums.size(); ++i) {
      std::span mine(numbers.data() + 250 * i, 250);
      wg.go([mine, &sum = sums[i]] { sum = std::accumulate(mine.begin(), mine.end(), 0L); });
    }
    wg.wait();  // what the fibers have written is seen from here on

    std::printf("the sum of 1 to 1000 is %ld\n", std::accumulate(sums.begin(), sums.end(), 0L));
  });
}
