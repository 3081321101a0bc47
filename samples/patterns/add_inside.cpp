// add_inside: a pitfall: where the fiber itself counts, wait() may come before it, and wait for nobody.
// Pattern: the misplaced wg.Add, which go vet warns of.
//
//   $ tools/dev run add_inside
//   add inside: wait returned with 0 of 3 done
//   add before go: wait returned with 3 of 3 done
//   wg.go: wait returned with 3 of 3 done
#include <gossamer/gossamer.hpp>

#include <atomic>
#include <cstdio>

using namespace gossamer;

int main() {
  return run([] {
    std::atomic<int> done = 0;
    {
      auto turn = make_chan<void>();  // the fibers' turn comes late: on a busy machine that happens by itself
      auto ended = make_chan<void>();
      sync::wait_group wg;
      for (int i = 0; i < 3; ++i) {
        go([&, turn, ended] {
          turn.recv();
          wg.add();  // TOO LATE
          ++done;
          wg.done();
          ended.send();
        });
      }
      wg.wait();
      std::printf("add inside: wait returned with %d of 3 done\n", done.load());
      close(turn);
      for (int i = 0; i < 3; ++i) ended.recv();
    }

    done = 0;
    sync::wait_group wg;
    wg.add(3);
    for (int i = 0; i < 3; ++i) {
      go([&] {
        ++done;
        wg.done();
      });
    }
    wg.wait();
    std::printf("add before go: wait returned with %d of 3 done\n", done.load());

    done = 0;
    for (int i = 0; i < 3; ++i) wg.go([&] { ++done; });
    wg.wait();
    std::printf("wg.go: wait returned with %d of 3 done\n", done.load());
  });
}
