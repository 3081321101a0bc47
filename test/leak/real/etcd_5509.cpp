#include "../situations.hpp"
namespace etcd_5509 {
struct client {
  sync::rw_mutex mu;
  std::function<void()> cancel;
  void shut() {
    std::scoped_lock lock(mu);
    if (cancel) cancel();
  }
};
struct remote {
  std::shared_ptr<client> of;
  sync::mutex mu;
  error acquire() {
    for (;;) {
      of->mu.lock_shared();
      const bool closed = !of->cancel;
      mu.lock();
      mu.unlock();
      if (closed) return errors::make("closed");  // still a reader
      of->mu.unlock_shared();
    }
  }
};
SITUATION(etcd_5509, 1) {
  go([] {
    auto c = std::make_shared<client>();
    auto r = std::make_shared<remote>();
    r->of = c;
    auto done = make_chan<void>();
    go([=] {
      (void)r->acquire();
      close(done);
    });
    time::sleep(5ms);
    c->shut();
    done.recv();
  });
}
}  // namespace etcd_5509
