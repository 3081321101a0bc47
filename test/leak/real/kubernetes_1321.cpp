#include "../situations.hpp"
namespace kubernetes_1321 {
struct mux {
  sync::mutex mu;
  std::map<int, chan<void>> watchers;
  void distribute() {
    std::scoped_lock lock(mu);
    for (auto& [id, w] : watchers) w.send();
  }
  void stop(int id) {
    std::scoped_lock lock(mu);
    close(watchers.at(id));
    watchers.erase(id);
  }
};
SITUATION(kubernetes_1321, 2) {
  go([] {
    auto m = std::make_shared<mux>();
    m->watchers[0] = make_chan<void>();
    go([m] { m->distribute(); });
    time::sleep(3ms);
    m->stop(0);
  });
}
}  // namespace kubernetes_1321
