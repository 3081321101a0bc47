#include "../situations.hpp"
namespace kubernetes_10182 {
struct manager {
  sync::rw_mutex mu;
  chan<bool> status = make_chan<bool>();
  void sync_batch() {
    status.recv();
    time::sleep(2ms);
    std::scoped_lock lock(mu);
  }
  void set() {
    std::scoped_lock lock(mu);
    status << true;
  }
};
SITUATION(kubernetes_10182, 2) {
  auto m = std::make_shared<manager>();
  go([m] {
    for (int i = 0; i < 2; ++i) m->sync_batch();
  });
  for (int i = 0; i < 2; ++i) go([m] { m->set(); });
}
}  // namespace kubernetes_10182
