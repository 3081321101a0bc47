// pool_wait_group: a pool of three channels and a wait group: tasks go in, results come out, and done says that the one
// who collects them has the last.
// Pattern: the worker pool of many Go tutorials.
//
//   $ tools/dev run pool_wait_group
//   20 tasks, the results add up to 420
#include <gossamer/gossamer.hpp>

#include <cstdio>

using namespace gossamer;

int main() {
  return run([] {
    auto tasks = make_chan<int>(8);
    auto results = make_chan<int>(8);
    auto done = make_chan<void>();

    sync::wait_group workers;
    for (int i = 0; i < 3; ++i) {
      workers.go([=] {
        for (int task : tasks) results << 2 * task;
      });
    }

    int count = 0, sum = 0;
    go([&, results, done] {  // references: done is closed before they end
      for (int r : results) {
        ++count;
        sum += r;
      }
      close(done);
    });

    for (int i = 1; i <= 20; ++i) tasks << i;
    close(tasks);  // no more work: the workers finish what is there
    workers.wait();
    close(results);  // nobody sends any more
    done.recv();
    std::printf("%d tasks, the results add up to %d\n", count, sum);
  });
}
