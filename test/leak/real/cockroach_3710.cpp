#include "../situations.hpp"
namespace cockroach_3710 {
struct store {
  sync::rw_mutex mu;
  sync::mutex queue;
  void status() { std::shared_lock lock(mu); }
  void scan() {
    std::shared_lock lock(mu);
    time::sleep(10ms);
    std::scoped_lock q(queue);
    status();
  }
};
SITUATION(cockroach_3710, 2) {
  auto s = std::make_shared<store>();
  go([s] { s->scan(); });
  go([s] {
    time::sleep(3ms);
    std::scoped_lock lock(s->mu);
  });
}
}  // namespace cockroach_3710
