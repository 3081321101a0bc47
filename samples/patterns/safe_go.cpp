// safe_go: a panic ends the process, unless it is recovered in its own fiber: here it is logged, and the rest goes on.
// Pattern: the recovering goroutine wrapper of Go servers; "Recover", Effective Go, 2009.
//
//   $ tools/dev run safe_go
//   recovered in job 3: index out of range
//   4 of 5 jobs were done
#include <gossamer/gossamer.hpp>

#include <atomic>
#include <cstdio>
#include <utility>

using namespace gossamer;

// As go(); a panic or exception is logged.
template <class F>
void safe_go(sync::wait_group& wg, int job, F f) {
  wg.go([=, f = std::move(f)] {
    func([&](defers& defer) {
      defer([&] {
        if (auto p = defer.recover()) std::printf("recovered in job %d: %s\n", job, p->text().c_str());
      });
      f();
    });
  });
}

int main() {
  return run([] {
    std::atomic<int> done = 0;
    sync::wait_group wg;
    for (int job = 1; job <= 5; ++job) {
      safe_go(wg, job, [=, &done] {
        if (job == 3) panic("index out of range");
        ++done;
      });
    }
    wg.wait();
    std::printf("%d of 5 jobs were done\n", done.load());
  });
}
