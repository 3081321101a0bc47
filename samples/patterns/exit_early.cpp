// exit_early: a pitfall: when main returns the program ends, whatever the other fibers have still to do. Nothing says
// so, and the exit code is 0. The way out is to wait for them: wg.wait() before the last line.
// Leaves 3 fibers.
//
//   $ tools/dev run exit_early
//   main returns: 0 of 3 reports are written
//   $ echo $?
//   0
#include <gossamer/gossamer.hpp>

#include <atomic>
#include <cstdio>

using namespace gossamer;

int main() {
  static std::atomic<int> written = 0;  // static: fibers that are left behind may still look at it
  static sync::wait_group wg;
  return run([] {
    for (int i = 0; i < 3; ++i) {
      wg.go([] {
        time::sleep(1h);  // the report
        ++written;
      });
    }
    std::printf("main returns: %d of 3 reports are written\n", written.load());
  });
}
