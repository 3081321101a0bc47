#include "../situations.hpp"
namespace cockroach_35073 {
struct outbox {
  std::atomic<int> status{0};
  chan<int> data = make_chan<int>(16);
  void push() {
    if (status == 0) data << 0;
  }
  void run(sync::wait_group& started) { started.done(); }
};
SITUATION(cockroach_35073, 2) {
  go([] {
    auto o = std::make_shared<outbox>();
    for (int i = 0; i < 16; ++i) o->push();
    sync::wait_group blocked, started;
    blocked.add(1);
    go([o, &blocked] {
      o->push();
      blocked.done();
    });
    started.add(1);
    go([o, &started] { o->run(started); });
    started.wait();
    o->push();
  });
}
}  // namespace cockroach_35073
