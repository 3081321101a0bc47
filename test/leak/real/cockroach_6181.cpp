#include "../situations.hpp"
namespace cockroach_6181 {
struct cache {
  sync::rw_mutex mu;
  std::string text() {
    std::shared_lock lock(mu);
    return "x";
  }
  void lookup(int i) {
    {
      std::shared_lock lock(mu);
      time::sleep(i * 10ms);
      (void)text();
    }
    std::scoped_lock lock(mu);
  }
};
SITUATION(cockroach_6181, 4) {
  go([] {
    auto c = std::make_shared<cache>();
    sync::wait_group wg;
    for (int i = 0; i < 3; ++i) wg.go([c, i] { c->lookup(i); });
    wg.wait();
  });
}
}  // namespace cockroach_6181
