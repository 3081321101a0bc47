// unbounded_spawn: a pitfall: a fiber for each request, however many there are; and the same with a bound.
// Fibers are cheap; what they hold (memory, files, connections) is not.
//
//   $ tools/dev run unbounded_spawn
//   unbounded: 2000 connections open at the same time
//   bounded: 8 or fewer
#include <gossamer/gossamer.hpp>

#include <algorithm>
#include <cstdio>
#include <mutex>

using namespace gossamer;

// Counts connections, and remembers how many there have been at the same time.
class server {
 public:
  void open() {
    std::scoped_lock lock(mu_);
    most_ = std::max(most_, ++open_);
  }
  void close() {
    std::scoped_lock lock(mu_);
    --open_;
  }
  int most() {
    std::scoped_lock lock(mu_);
    return most_;
  }

 private:
  sync::mutex mu_;
  int open_ = 0, most_ = 0;
};

int main() {
  return run([] {
    constexpr int requests = 2000;
    server flooded, calm;

    sync::wait_group all_open, wg;
    all_open.add(requests);
    for (int i = 0; i < requests; ++i) {
      wg.go([&] {
        flooded.open();
        all_open.done();
        all_open.wait();  // each takes as long as the others keep coming
        flooded.close();
      });
    }
    wg.wait();
    std::printf("unbounded: %d connections open at the same time\n", flooded.most());

    errgroup::group g;
    g.set_limit(8);  // go() waits, and so does whoever sends the requests
    for (int i = 0; i < requests; ++i) {
      g.go([&] {
        calm.open();
        runtime::gosched();
        calm.close();
      });
    }
    g.wait();
    std::printf("bounded: %s\n", calm.most() <= 8 ? "8 or fewer" : "MORE THAN 8");
  });
}
