#include "../situations.hpp"
namespace serving_2137 {
struct request {
  std::shared_ptr<sync::mutex> mu = std::make_shared<sync::mutex>();
  chan<bool> accepted = make_chan<bool>(1);
};
struct breaker : std::enable_shared_from_this<breaker> {
  chan<void> pending = make_chan<void>(2), active = make_chan<void>(1);
  bool maybe(const std::function<void()>& f) {
    if (select(send(pending, unit()), otherwise) == 1) return false;
    active.send();
    f();
    active.recv();
    pending.recv();
    return true;
  }
  request start(int n) {
    request r;
    r.mu->lock();
    go([self = shared_from_this(), r, n] {
      time::sleep(n == 0 ? 5ms : 1ms);
      r.accepted << self->maybe([&] {
        r.mu->lock();
        r.mu->unlock();
      });
    });
    return r;
  }
};
SITUATION(serving_2137, 3) {
  go([] {
    auto b = std::make_shared<breaker>();
    std::vector<request> all{b->start(0), b->start(1)};
    time::sleep(10ms);
    for (auto& r : all) {
      r.mu->unlock();
      r.accepted << *r.accepted;
    }
  });
}
}  // namespace serving_2137
