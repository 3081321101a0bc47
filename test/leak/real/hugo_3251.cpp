#include "../situations.hpp"
namespace hugo_3251 {
struct url_locks {
  sync::rw_mutex mu;
  std::map<std::string, std::shared_ptr<sync::mutex>> of;
  void lock(const std::string& url) {
    std::scoped_lock all(mu);
    auto& one = of[url];
    if (!one) one = std::make_shared<sync::mutex>();
    one->lock();
  }
  void unlock(const std::string& url) {
    std::shared_lock all(mu);
    of.at(url)->unlock();
  }
};
SITUATION(hugo_3251, 5) {
  go([] {
    auto locks = std::make_shared<url_locks>();
    sync::wait_group wg;
    for (int i = 0; i < 4; ++i) {
      wg.go([locks] {
        for (int j = 0; j < 20; ++j) {
          locks->lock("x");
          time::sleep(1ms);
          locks->unlock("x");
        }
      });
    }
    wg.wait();
  });
}
}  // namespace hugo_3251
