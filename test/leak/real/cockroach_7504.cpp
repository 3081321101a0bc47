#include "../situations.hpp"
namespace cockroach_7504 {
struct lease {
  sync::mutex mu;
};
struct names {
  sync::mutex mu;
  std::map<int, std::shared_ptr<lease>> all;
  void get(int id) {
    std::scoped_lock lock(mu);
    time::sleep(5ms);
    std::scoped_lock its(all.at(id)->mu);
  }
  void remove(int id) {
    std::scoped_lock lock(mu);
    all.erase(id);
  }
};
struct table {
  sync::mutex mu;
  std::shared_ptr<names> cache;
  void release(int id, const std::shared_ptr<lease>& l) {
    std::scoped_lock lock(mu);
    std::scoped_lock its(l->mu);
    time::sleep(5ms);
    cache->remove(id);
  }
};
SITUATION(cockroach_7504, 2) {
  go([] {
    auto cache = std::make_shared<names>();
    auto l = std::make_shared<lease>();
    cache->all[0] = l;
    auto t = std::make_shared<table>();
    t->cache = cache;
    go([cache] { cache->get(0); });
    go([t, l] { t->release(0, l); });
  });
}
}  // namespace cockroach_7504
