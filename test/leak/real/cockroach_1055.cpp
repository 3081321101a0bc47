#include "../situations.hpp"
namespace cockroach_1055 {
struct stopper {
  chan<void> stopping = make_chan<void>();
  sync::wait_group workers, tasks;
  sync::mutex mu;
  std::atomic<bool> draining{false};
  void quiesce() {
    std::scoped_lock lock(mu);
    draining = true;
    tasks.wait();
    draining = false;
  }
  void stop() {
    std::scoped_lock lock(mu);
    draining = true;
    tasks.wait();
    close(stopping);
    workers.wait();
  }
  bool start_task() {
    if (draining) return false;
    std::scoped_lock lock(mu);
    tasks.add(1);
    return true;
  }
};
SITUATION(cockroach_1055, 4) {
  go([] {
    std::vector<std::shared_ptr<stopper>> all{std::make_shared<stopper>(), std::make_shared<stopper>()};
    for (auto& s : all) {
      s->workers.add(1);
      go([s] {
        s->start_task();
        s->stopping.recv();
        s->workers.done();
      });
    }
    auto done = make_chan<void>();
    go([all, done] {
      time::sleep(10ms);
      for (auto& s : all) s->quiesce();
      for (auto& s : all) s->stop();
      close(done);
    });
    done.recv();
  });
}
}  // namespace cockroach_1055
