#include "../situations.hpp"
namespace kubernetes_62464 {
struct memory {
  sync::rw_mutex mu;
  bool get() {
    time::sleep(3ms);
    std::shared_lock lock(mu);
    return true;
  }
  void get_or_default() {
    std::shared_lock lock(mu);
    (void)get();
  }
  void set() {
    time::sleep(1ms);
    std::scoped_lock lock(mu);
  }
};
SITUATION(kubernetes_62464, 2) {
  go([] {
    auto m = std::make_shared<memory>();
    go([m] { m->get_or_default(); });
    go([m] { m->set(); });
  });
}
}  // namespace kubernetes_62464
