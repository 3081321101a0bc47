// million_sleepers: a fiber for each of a million waits, all asleep at once, and all woken at once.
// The first thing that everybody tries with goroutines. A sleeping fiber takes about 5 KB.
//
//   $ tools/dev run million_sleepers 5000
//   5000 fibers asleep
//   all awake
//
// Without an argument: a million.
#include <gossamer/gossamer.hpp>

#include <cstdio>
#include <cstdlib>

using namespace gossamer;

int main(int argc, char** argv) {
  const int n = argc > 1 ? std::atoi(argv[1]) : 1'000'000;
  return run([=] {
    auto alarm = make_chan<void>();
    sync::wait_group started, finished;
    started.add(n);
    for (int i = 0; i < n; ++i) {
      finished.go([=, &started] {
        started.done();
        time::sleep_for(1h, alarm);  // an hour, or until the alarm is closed
      });
    }
    started.wait();
    std::printf("%d fibers asleep\n", runtime::num_fibers() - 1);
    close(alarm);
    finished.wait();
    std::puts("all awake");
  });
}
