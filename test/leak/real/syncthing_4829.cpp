#include "../situations.hpp"
namespace syncthing_4829 {
struct mapping {
  sync::rw_mutex mu;
  std::map<std::string, int> addresses{{"x", 0}};
  void notify() { std::shared_lock lock(mu); }
  void clear() {
    std::scoped_lock lock(mu);
    addresses.clear();
    notify();
  }
};
struct service {
  sync::rw_mutex mu;
  std::vector<std::shared_ptr<mapping>> all;
  void remove(const std::shared_ptr<mapping>& m) {
    std::scoped_lock lock(mu);
    for (auto& each : all) {
      if (each == m) m->clear();
    }
  }
};
SITUATION(syncthing_4829, 1) {
  go([] {
    service s;
    auto m = std::make_shared<mapping>();
    s.all.push_back(m);
    s.remove(m);
  });
}
}  // namespace syncthing_4829
