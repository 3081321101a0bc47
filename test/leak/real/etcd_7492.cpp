#include "../situations.hpp"
namespace etcd_7492 {
struct keeper {
  std::map<std::string, int> tokens;
  chan<void> adding = make_chan<void>(1);
  chan<chan<void>> stopping = make_chan<chan<void>>();
  std::function<void(const std::string&)> forget;
  void run() {
    time::ticker tick(1ms);
    for (;;) {
      chan<void> waits;
      switch (select(recv(adding), recv(tick.c), recv(stopping, waits))) {
        case 0:
          tokens["1"] = 1;
          break;
        case 1:
          for (auto& [t, n] : tokens) forget(t);
          tokens.clear();
          break;
        case 2:
          waits.send();
          return;
      }
    }
  }
};
struct tokens {
  std::shared_ptr<keeper> its;
  sync::rw_mutex mu;
  void assign() {
    std::scoped_lock lock(mu);
    time::sleep(5ms);
    its->adding.send();
  }
};
SITUATION(etcd_7492, -1) {
  for (int i = 0; i < 3; ++i) {
    go([] {
      auto t = std::make_shared<tokens>();
      t->its = std::make_shared<keeper>();
      t->its->forget = [p = t.get()](const std::string&) { std::scoped_lock lock(p->mu); };
      go([k = t->its] { k->run(); });
      sync::wait_group wg;
      for (int j = 0; j < 5; ++j) wg.go([t] { t->assign(); });
      wg.wait();
      auto w = make_chan<void>();
      t->its->stopping << w;
      w.recv();
    });
  }
}
}  // namespace etcd_7492
