// channel_semaphore: a buffered channel bounds how many are at work: a value in it is a place that is taken.
// Pattern: "Channels", Effective Go, 2009.
//
//   $ tools/dev run channel_semaphore
//   20 requests served, never more than 3 at the same time
#include <gossamer/gossamer.hpp>

#include <atomic>
#include <cstdio>

using namespace gossamer;

int main() {
  return run([] {
    auto places = make_chan<void>(3);
    std::atomic<int> at_work = 0, served = 0;
    std::atomic<bool> crowded = false;

    sync::wait_group wg;
    for (int i = 0; i < 20; ++i) {
      places.send();  // before go(): so that those who wait are not fibers
      wg.go([&, places] {
        defer d1{[&] { places.recv(); }};
        if (++at_work > 3) crowded = true;
        runtime::gosched();  // the request is served
        --at_work;
        ++served;
      });
    }
    wg.wait();
    std::printf("%d requests served, %s 3 at the same time\n", served.load(),
                crowded ? "MORE THAN" : "never more than");
  });
}
