#include "../situations.hpp"
namespace kubernetes_30872 {
struct fifo {
  sync::rw_mutex mu;
  void synced() { std::scoped_lock lock(mu); }
  void pop(const std::function<void()>& f) {
    std::scoped_lock lock(mu);
    time::sleep(3ms);
    f();
  }
};
struct informer : std::enable_shared_from_this<informer> {
  sync::mutex mu;
  fifo queue;
  chan<void> stopping;
  void synced() {
    std::scoped_lock lock(mu);
    time::sleep(5ms);
    queue.synced();
  }
  void add() { std::scoped_lock lock(mu); }
  void start() {
    std::scoped_lock lock(mu);
    stopping = make_chan<void>();
    go([self = shared_from_this()] {
      while (select(recv(self->stopping), otherwise) != 0) self->queue.pop([&] { self->add(); });
    });
  }
  void stop() {
    std::scoped_lock lock(mu);
    close(stopping);
  }
};
SITUATION(kubernetes_30872, 3) {
  go([] {
    auto i = std::make_shared<informer>();
    auto stop = make_chan<void>();
    i->start();
    go([=] {
      stop.recv();
      i->stop();
    });
    go([=] { i->synced(); });
    time::sleep(15ms);
    close(stop);
  });
}
}  // namespace kubernetes_30872
