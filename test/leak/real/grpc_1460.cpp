#include "../situations.hpp"
namespace grpc_1460 {
struct transport {
  sync::mutex mu;
  chan<void> awake = make_chan<void>();
  std::vector<int> streams;
  void keep_alive() {
    mu.lock();
    if (streams.empty()) awake.recv();
    mu.unlock();
  }
  void open() {
    std::scoped_lock lock(mu);
    streams.push_back(1);
    if (streams.size() == 1) select(send(awake, unit()), otherwise);
  }
};
SITUATION(grpc_1460, 2) {
  auto t = std::make_shared<transport>();
  go([t] { t->keep_alive(); });
  go([t] {
    time::sleep(3ms);
    t->open();
  });
}
}  // namespace grpc_1460
