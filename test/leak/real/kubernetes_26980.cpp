#include "../situations.hpp"
namespace kubernetes_26980 {
struct listener {
  sync::rw_mutex mu;
  sync::cond cond;
  std::vector<int> pending;
  void add(int n) {
    std::scoped_lock lock(mu);
    pending.push_back(n);
    cond.broadcast();
  }
  void pop(recv_chan<void> stop) {
    std::scoped_lock lock(mu);
    for (;;) {
      while (pending.empty()) {
        if (select(recv(stop), otherwise) == 0) return;
        cond.wait(mu);
      }
      if (select(recv(stop)) == 0) return;
    }
  }
};
SITUATION(kubernetes_26980, 3) {
  go([] {
    auto l = std::make_shared<listener>();
    auto stop = make_chan<void>();
    defer d1{[&] { close(stop); }};
    l->add(1);
    go([=] { l->pop(stop); });
    time::sleep(2ms);
    auto got = make_chan<void>();
    go([=] {
      l->mu.lock();
      close(got);
    });
    got.recv();
    l->mu.unlock();
  });
}
}  // namespace kubernetes_26980
