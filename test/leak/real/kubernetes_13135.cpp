#include "../situations.hpp"
namespace kubernetes_13135 {
struct watch_cache {
  sync::rw_mutex mu;
  std::function<void()> on_replace, on_event;
  void replace() {
    std::scoped_lock lock(mu);
    on_replace();
  }
  void add() {
    std::scoped_lock lock(mu);
    time::sleep(3ms);
    on_event();
  }
};
struct cacher {
  sync::mutex mu;
  sync::wait_group ready;
  sync::once first;
  std::shared_ptr<watch_cache> cache = std::make_shared<watch_cache>();
  void start() {
    mu.lock();
    time::sleep(2ms);
    cache->replace();
  }
};
SITUATION(kubernetes_13135, 2) {
  go([] {
    auto stop = make_chan<void>();
    auto c = std::make_shared<cacher>();
    c->ready.add(1);
    c->cache->on_replace = [c = c.get()] {
      c->first.do_([c] { c->ready.done(); });
      c->mu.unlock();
    };
    c->cache->on_event = [c = c.get()] { std::scoped_lock lock(c->mu); };
    go([=] {
      while (select(recv(stop), otherwise) != 0) c->start();
    });
    c->ready.wait();
    time::sleep(1ms);
    go([=] { c->cache->add(); });
    time::sleep(20ms);
    close(stop);
  });
}
}  // namespace kubernetes_13135
