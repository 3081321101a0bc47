// deadlock: two fibers lock two mutexes, each in its own order. When nothing can run any more the runtime says so, and
// shows where each fiber is.
//
//   $ tools/dev run deadlock
//   fatal error: all fibers are asleep - deadlock!
//
//   fiber 1 [sync.WaitGroup.Wait]:
//   ...
//   the main fiber
//
//   fiber * "ann" [sync.Mutex.Lock, held by fiber *]:
//   ...
//   fiber * "bob" [sync.Mutex.Lock, held by fiber *]:
//   ...
//   $ echo $?
//   2
#include <gossamer/gossamer.hpp>

using namespace gossamer;

int main() {
  return run([] {
    sync::mutex fork, knife;
    sync::wait_group both_have_one, dinner;
    both_have_one.add(2);
    dinner.add(2);
    const auto dine = [&](sync::mutex& first, sync::mutex& second) {
      first.lock();
      both_have_one.done();
      both_have_one.wait();
      second.lock();
      dinner.done();
    };
    go(fiber_options{.name = "ann"}, [&] { dine(fork, knife); });
    go(fiber_options{.name = "bob"}, [&] { dine(knife, fork); });
    dinner.wait();
  });
}
