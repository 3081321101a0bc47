#include "../situations.hpp"
namespace kubernetes_11298 {
static recv_chan<void> after(std::function<void()> f) {
  auto ch = make_chan<void>();
  go([=] {
    defer d1{[&] { close(ch); }};
    f();
  });
  return ch;
}
struct notifier {
  sync::mutex mu;
  sync::cond cond;
  void serve(recv_chan<void> abort) {
    std::scoped_lock lock(mu);
    for (;;) {
      if (select(recv(abort), otherwise) == 0) return;
      auto ch = after([this] {
        time::sleep(5ms);
        cond.wait(mu);
      });
      if (select(recv(abort), recv(ch)) == 0) {
        cond.signal();
        ch.recv();
        return;
      }
    }
  }
};
SITUATION(kubernetes_11298, 3) {
  go([] {
    auto done = make_chan<void>();
    auto over = after([done] {
      auto n = std::make_shared<notifier>();
      auto finished = after([done] { done.recv(); });
      n->serve(finished);
    });
    go([done] {
      time::sleep(1ms);
      close(done);
    });
    over.recv();
  });
}
}  // namespace kubernetes_11298
