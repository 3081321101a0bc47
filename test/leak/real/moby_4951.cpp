#include "../situations.hpp"
namespace moby_4951 {
struct info {
  sync::mutex mu;
};
struct devices {
  sync::mutex mu;
  std::map<std::string, std::shared_ptr<info>> all;
  void remove(const std::string& name) {
    std::scoped_lock lock(mu);
    auto i = all.at(name);
    std::scoped_lock its(i->mu);
    mu.unlock();
    time::sleep(3ms);
    mu.lock();
  }
};
SITUATION(moby_4951, 2) {
  go([] {
    auto d = std::make_shared<devices>();
    d->all["1"] = std::make_shared<info>();
    for (int i = 0; i < 2; ++i) go([d] { d->remove("1"); });
  });
}
}  // namespace moby_4951
