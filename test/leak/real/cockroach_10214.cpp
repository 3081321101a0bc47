#include "../situations.hpp"
namespace cockroach_10214 {
struct store {
  sync::mutex coalesced;
};
struct replica {
  sync::mutex raft, mu;
  std::shared_ptr<store> of;
  void unreachable() {
    std::scoped_lock lock(raft);
    time::sleep(1ms);
  }
  void tick() {
    std::scoped_lock lock(raft);
    time::sleep(5ms);
    std::scoped_lock own(mu);
    std::scoped_lock its(of->coalesced);
  }
};
SITUATION(cockroach_10214, 2) {
  go([] {
    auto s = std::make_shared<store>();
    auto r = std::make_shared<replica>();
    r->of = s;
    go([s, r] {
      std::scoped_lock lock(s->coalesced);
      time::sleep(3ms);
      r->unreachable();
    });
    go([r] { r->tick(); });
  });
}
}  // namespace cockroach_10214
