#include "../situations.hpp"
namespace cockroach_584 {
struct gossip {
  sync::mutex mu;
  bool closed = true;
  void once() {
    for (;;) {
      mu.lock();
      if (closed) return;  // held
      mu.unlock();
    }
  }
};
SITUATION(cockroach_584, 1) {
  auto g = std::make_shared<gossip>();
  go([g] {
    g->once();
    g->once();
  });
}
}  // namespace cockroach_584
