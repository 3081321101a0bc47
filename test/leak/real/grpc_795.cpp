#include "../situations.hpp"
namespace grpc_795 {
struct server {
  sync::mutex mu;
  bool draining = false;
  void stop() {
    mu.lock();
    if (draining) {
      mu.lock();
      return;
    }
    draining = true;
    mu.unlock();
  }
  void serve() {
    time::sleep(5ms);
    std::scoped_lock lock(mu);
  }
};
SITUATION(grpc_795, 2) {
  go([] {
    auto s = std::make_shared<server>();
    go([s] { s->serve(); });
    for (int i = 0; i < 3; ++i) s->stop();
  });
}
}  // namespace grpc_795
