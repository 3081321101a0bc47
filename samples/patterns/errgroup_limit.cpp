// errgroup_limit: set_limit() bounds how many tasks of a group are at work at the same time: go() waits for a place.
// Pattern: Group.SetLimit of golang.org/x/sync/errgroup, 2022.
//
//   $ tools/dev run errgroup_limit
//   50 downloads, never more than 4 at the same time
#include <gossamer/gossamer.hpp>

#include <algorithm>
#include <cstdio>
#include <mutex>

using namespace gossamer;

int main() {
  return run([] {
    sync::mutex mu;
    int at_work = 0, most = 0, downloads = 0;  // guarded by mu

    errgroup::group g;
    g.set_limit(4);
    for (int i = 0; i < 50; ++i) {
      g.go([&] {
        {
          std::scoped_lock lock(mu);
          most = std::max(most, ++at_work);
        }
        runtime::gosched();  // the download
        std::scoped_lock lock(mu);
        --at_work;
        ++downloads;
      });
    }
    g.wait();
    std::printf("%d downloads, %s 4 at the same time\n", downloads, most <= 4 ? "never more than" : "MORE THAN");
  });
}
