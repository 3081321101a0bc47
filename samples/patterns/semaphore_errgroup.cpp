// semaphore_errgroup: tasks of different weight: each takes as much of a budget as it needs, and waits until it is
// there. Pattern: golang.org/x/sync/semaphore with an errgroup.
//
//   $ tools/dev run semaphore_errgroup
//   6 images, 16 MB or less in use at any time
#include <gossamer/gossamer.hpp>

#include <atomic>
#include <cstdio>

using namespace gossamer;

int main() {
  return run([] {
    constexpr int budget_mb = 16;
    semaphore::weighted memory(budget_mb);
    std::atomic<int> in_use = 0, images = 0;

    auto [g, ctx] = errgroup::with_context(context::background());
    for (int mb : {3, 10, 6, 16, 1, 8}) {
      g.go([=, c = ctx, &memory, &in_use, &images]() -> error {
        if (error err = memory.acquire(c, mb)) return err;
        defer d1{[&] { memory.release(mb); }};
        if ((in_use += mb) > budget_mb) return errors::make("over the budget");
        runtime::gosched();  // the image is decoded
        in_use -= mb;
        ++images;
        return nil;
      });
    }
    if (error err = g.wait()) {
      std::printf("error: %s\n", err.text().c_str());
    } else {
      std::printf("%d images, %d MB or less in use at any time\n", images.load(), budget_mb);
    }
  });
}
