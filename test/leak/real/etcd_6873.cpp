#include "../situations.hpp"
namespace etcd_6873 {
struct broadcasts {
  sync::mutex mu;
  chan<int> updates = make_chan<int>(1);
  chan<void> done = make_chan<void>();
  void coalesce(int) { std::scoped_lock lock(mu); }
  void stop() {
    std::scoped_lock lock(mu);
    close(updates);
    done.recv();
  }
  void update(int n) { select(send(updates, n), otherwise); }
};
SITUATION(etcd_6873, 2) {
  go([] {
    auto b = std::make_shared<broadcasts>();
    go([b] {
      for (int n : b->updates) {
        time::sleep(5ms);
        b->coalesce(n);
      }
      close(b->done);
    });
    b->update(1);
    go([b] { b->stop(); });
  });
}
}  // namespace etcd_6873
