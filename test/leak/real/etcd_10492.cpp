#include "../situations.hpp"
namespace etcd_10492 {
struct lessor {
  sync::rw_mutex mu;
  std::function<void()> checkpointer;
  void checkpoint() { std::scoped_lock lock(mu); }
  void renew() {
    std::scoped_lock lock(mu);
    if (checkpointer) checkpointer();
  }
};
SITUATION(etcd_10492, 1) {
  go([] {
    auto l = std::make_shared<lessor>();
    l->checkpointer = [p = l.get()] { p->checkpoint(); };
    l->renew();
  });
}
}  // namespace etcd_10492
