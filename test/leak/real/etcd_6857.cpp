#include "../situations.hpp"
namespace etcd_6857 {
struct node {
  chan<chan<int>> status = make_chan<chan<int>>();
  chan<void> stopping = make_chan<void>(), done = make_chan<void>();
  int ask() {
    auto c = make_chan<int>();
    status << c;
    return *c;
  }
  void run() {
    for (;;) {
      chan<int> c;
      switch (select(recv(status, c), recv(stopping))) {
        case 0:
          c << 1;
          break;
        case 1:
          close(done);
          return;
      }
    }
  }
  void stop() {
    if (select(send(stopping, unit()), recv(done)) == 1) return;
    done.recv();
  }
};
SITUATION(etcd_6857, 1) {
  auto n = std::make_shared<node>();
  go([n] { n->run(); });
  go([n] {
    time::sleep(5ms);
    n->ask();
  });
  go([n] { n->stop(); });
}
}  // namespace etcd_6857
