#include "../situations.hpp"
namespace moby_30408 {
struct plugin {
  sync::mutex mu;
  sync::cond active;
  bool has_manifest = false;
  void wait() {
    std::unique_lock lock(mu);
    active.wait(lock, [&] { return has_manifest; });
  }
};
SITUATION(moby_30408, 2) {
  go([] {
    auto p = std::make_shared<plugin>();
    auto done = make_chan<void>();
    go([=] {
      p->wait();
      close(done);
    });
    done.recv();
  });
}
}  // namespace moby_30408
