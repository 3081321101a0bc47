// deadlock_main: a pitfall: main waits for what nobody will ever do. Where nothing can run any more, the runtime says
// so, with every fiber and what it waits for.
//
//   $ tools/dev run deadlock_main
//   fatal error: all fibers are asleep - deadlock!
//
//   fiber 1 [chan send]:
//   ...
//   fiber * [chan send]:
//   ...
//   $ echo $?
//   2
#include <gossamer/gossamer.hpp>

using namespace gossamer;

int main() {
  return run([] {
    auto left = make_chan<int>(), right = make_chan<int>();
    go([=] {
      right << 1;
      left.recv();
    });
    left << 2;  // the other one sends too: both wait for somebody who receives
    right.recv();
  });
}
