#include "../situations.hpp"
namespace cockroach_16167 {
struct executor {
  sync::rw_mutex config;
  void database() { std::shared_lock lock(config); }
  void run() {
    std::shared_lock lock(config);
    time::sleep(5ms);
    database();
  }
  void update() {
    time::sleep(2ms);
    std::scoped_lock lock(config);
  }
};
SITUATION(cockroach_16167, 2) {
  go([] {
    auto e = std::make_shared<executor>();
    go([e] { e->update(); });
    e->run();
  });
}
}  // namespace cockroach_16167
