// A fiber that computes for long, and others that it has started or woken before: a second worker must run them
// meanwhile. Kills: pushes that wake nobody, a lookout that sees nothing.
#include <atomic>
#include <thread>

#include "check.hpp"

namespace {

using namespace gossamer;
using check::expect;

constexpr auto long_time = 150ms;
constexpr int rounds = 4;

// Too short for the monitor to notice: only the lookout can see what waits, since after short runs a push wakes nobody.
void wait_for_the_lookout() {
  int in_time = 0;
  for (int i = 0; i < 30; ++i) {
    for (int turn = 0; turn < 500; ++turn) {
      runtime::gosched();
    }
    std::atomic<bool> started{false};
    go([&] { started = true; });
    check::burn(6ms);
    in_time += started ? 1 : 0;
    while (!started) {
      runtime::gosched();
    }
  }
  expect(in_time >= 6, "the lookout has what waits run within milliseconds");
}

}  // namespace

int main() {
  return run(
      [] {
        wait_for_the_lookout();
        auto values = make_chan<int>();
        std::atomic<int> received{0};
        go([values, &received] {
          for (int v : values) {
            received = v;
          }
        });
        // After a rest all workers sleep deeply, and a plain thread wakes but one of them; without a rest the lookout
        // steps.
        auto call = make_chan<void>();
        std::atomic<bool> resting{false};
        std::thread caller([call, &resting] {
          for (int i = 0; i < rounds; ++i) {
            while (!resting.exchange(false)) {
              std::this_thread::sleep_for(1ms);
            }
            std::this_thread::sleep_for(30ms);
            call.send();
          }
        });
        const auto rest = [&call, &resting] {
          resting = true;
          call.recv();
        };
        for (int i = 1; i <= rounds; ++i) {
          if (i % 2 == 0) {
            rest();
          }
          std::atomic<bool> started{false};
          go([&] { started = true; });
          check::burn(long_time);
          expect(started, "a fiber that was started runs beside its busy spawner");
          if (i % 2 == 0) {
            rest();
          }
          runtime::gosched();
          values << i;
          check::burn(long_time);
          expect(received == i, "a fiber that was woken runs beside its busy waker");
        }
        caller.join();
        close(values);
        return 0;
      },
      {.procs = 2});
}
