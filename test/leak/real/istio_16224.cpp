#include "../situations.hpp"
namespace istio_16224 {
struct monitor {
  std::vector<std::function<void(int)>> handlers;
  chan<int> events = make_chan<int>();
  void run(recv_chan<void> stop) {
    for (;;) {
      int e = 0;
      switch (select(recv(stop), recv(events, e))) {
        case 0:
          if (events.recv()) close(events);
          return;
        case 1:
          for (auto& h : handlers) h(e);
      }
    }
  }
};
SITUATION(istio_16224, 2) {
  go([] {
    auto m = std::make_shared<monitor>();
    auto done = make_chan<bool>();
    sync::mutex mu;
    m->handlers.push_back([&mu, done](int) {
      std::scoped_lock lock(mu);
      done << true;
    });
    auto stop = make_chan<void>();
    go([=] { m->run(stop); });
    m->events << 1;
    time::sleep(3ms);
    mu.lock();
    mu.unlock();
    done.recv();
    close(stop);
  });
}
}  // namespace istio_16224
