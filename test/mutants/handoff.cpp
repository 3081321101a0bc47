// Values that pass between fibers which park and wake each other as fast as they can, on several workers. Kills: locks
// that are released before the fiber is off its stack, so that another worker resumes it there.
#include <memory>
#include <vector>

#include "check.hpp"

namespace {

using namespace gossamer;
using check::expect;

constexpr int pairs = 8;
constexpr int rounds = 20'000;

void exchange_at(int procs) {
  run(
      [] {
        sync::wait_group all;
        all.add(2 * pairs);
        sync::mutex guard;
        long entered = 0;
        for (int p = 0; p < pairs; ++p) {
          auto there = make_chan<int>(p % 2);
          auto back = make_chan<int>();
          go([&all, &guard, &entered, there, back] {
            for (int i = 0; i < rounds; ++i) {
              there << i;
              expect(*back == i + 1, "the answer is that to the question");
              if (i % 4 == 0) {
                guard.lock();
                ++entered;
                guard.unlock();
              }
            }
            all.done();
          });
          go([&all, there, back] {
            for (int i = 0; i < rounds; ++i) {
              const int question = *there;
              expect(question == i, "questions come in order");
              back << question + 1;
            }
            all.done();
          });
        }
        all.wait();
        expect(entered == pairs * rounds / 4, "nobody was in the mutex beside another");
      },
      {.procs = procs});
}

}  // namespace

int main() {
  exchange_at(2);
  exchange_at(4);
}
