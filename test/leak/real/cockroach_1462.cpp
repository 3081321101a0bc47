#include "../situations.hpp"
namespace cockroach_1462 {
struct stopper {
  chan<void> stopping = make_chan<void>();
  sync::wait_group workers;
  void run_worker(std::function<void()> f) {
    workers.add(1);
    go([this, f] {
      f();
      workers.done();
    });
  }
  void stop() {
    close(stopping);
    workers.wait();
  }
};
struct transport {
  chan<int> events = make_chan<int>();
};
SITUATION(cockroach_1462, -1) {
  for (int i = 0; i < 10; ++i) {
    go([] {
      auto s = std::make_shared<stopper>();
      auto t = std::make_shared<transport>();
      s->run_worker([s = s.get(), t] {
        for (;;) {
          if (select(recv(s->stopping), otherwise) == 0) return;
          t->events << 1;
        }
      });
      s->run_worker([s = s.get(), t] {
        for (;;) {
          if (select(recv(t->events), recv(s->stopping)) == 1) return;
          time::sleep(3ms);
        }
      });
      time::sleep(10ms);
      s->stop();
    });
  }
}
}  // namespace cockroach_1462
