#include "../situations.hpp"
namespace grpc_1424 {
struct balancer {
  chan<bool> addrs = make_chan<bool>();
};
struct conn {
  std::shared_ptr<balancer> its = std::make_shared<balancer>();
  void watch(chan<bool> done) {
    for (bool a : its->addrs) (void)a;
    (void)done;  // and nobody hears of it
  }
};
SITUATION(grpc_1424, 1) {
  go([] {
    auto c = std::make_shared<conn>();
    auto waits = make_chan<error>(1);
    go([=] {
      defer d1{[&] { close(waits); }};
      auto done = make_chan<bool>();
      go([=] { c->watch(done); });
      done.recv();
    });
    close(c->its->addrs);
  });
}
}  // namespace grpc_1424
