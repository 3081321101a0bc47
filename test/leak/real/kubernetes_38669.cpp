#include "../situations.hpp"
namespace kubernetes_38669 {
struct watcher {
  sync::mutex mu;
  chan<int> input = make_chan<int>(), result = make_chan<int>();
  bool stopped = false;
  void process(const std::vector<int>& first) {
    for (int e : first) result << e;
    for (int e : input) (void)e;
    stop();
    close(result);
  }
  void stop() {
    std::scoped_lock lock(mu);
    if (!stopped) close(input);
    stopped = true;
  }
};
SITUATION(kubernetes_38669, 1) {
  go([] {
    auto w = std::make_shared<watcher>();
    go([w] { w->process({1, 2}); });
    w->stop();
  });
}
}  // namespace kubernetes_38669
