// cancel_on_first_error: the first task that fails cancels the context of all the others, and its error is the result.
// Pattern: errgroup.WithContext of golang.org/x/sync, Sameer Ajmani, 2016.
//
//   $ tools/dev run cancel_on_first_error
//   failed: shard 3: disk full
//   4 other shards were called off
#include <gossamer/gossamer.hpp>

#include <atomic>
#include <cstdio>

using namespace gossamer;

int main() {
  return run([] {
    std::atomic<int> called_off = 0;
    auto [g, ctx] = errgroup::with_context(context::background());
    for (int shard = 1; shard <= 5; ++shard) {
      g.go([=, c = ctx, &called_off]() -> error {
        if (shard == 3) return errors::wrap(errors::make("disk full"), "shard ", shard);
        if (time::sleep_for(1h, c)) return nil;
        ++called_off;
        return c.err();
      });
    }
    error err = g.wait();
    std::printf("failed: %s\n", err.text().c_str());
    std::printf("%d other shards were called off\n", called_off.load());
  });
}
