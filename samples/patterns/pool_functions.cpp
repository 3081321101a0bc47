// pool_functions: a pool that runs any function: submit() hands one over, shutdown() waits until all are done.
// Pattern: the channel of func() behind many a pool for Go.
//
//   $ tools/dev run pool_functions
//   100 functions were called
#include <gossamer/gossamer.hpp>

#include <atomic>
#include <cstdio>
#include <functional>

using namespace gossamer;

class pool {
 public:
  explicit pool(int workers) {
    for (int i = 0; i < workers; ++i) {
      workers_.go([tasks = tasks_] {
        for (auto task : tasks) task();
      });
    }
  }

  // Waits where there is no room. Not beside shutdown() or after it.
  void submit(std::function<void()> task) { tasks_ << std::move(task); }

  // What has been submitted is done; then the workers end.
  void shutdown() {
    close(tasks_);
    workers_.wait();
  }

 private:
  chan<std::function<void()>> tasks_ = make_chan<std::function<void()>>(16);
  sync::wait_group workers_;
};

int main() {
  return run([] {
    std::atomic<int> called = 0;
    pool p(4);
    for (int i = 0; i < 100; ++i) p.submit([&] { ++called; });
    p.shutdown();
    std::printf("%d functions were called\n", called.load());
  });
}
