#include "../situations.hpp"
namespace istio_18454 {
struct strategy {
  std::shared_ptr<time::timer> timer;
  sync::mutex mu;
  chan<void> reset = make_chan<void>(1);
  context::context ctx;
  context::cancel_func cancel;
};
static void loop_of(const std::shared_ptr<strategy>& s) {
  for (;;) {
    switch (select(recv(s->timer->c), recv(s->reset), recv(s->ctx.done()))) {
      case 0:
        break;
      case 1:
        if (!s->timer->stop()) s->timer->c.recv();
        s->timer->reset(1ms);
        break;
      case 2:
        s->timer->stop();
        return;
    }
  }
}
static void on_change(const std::shared_ptr<strategy>& s) {
  s->mu.lock();
  if (s->timer) {
    s->mu.unlock();
    s->reset.send();
    return;
  }
  s->timer = std::make_shared<time::timer>(1ms);
  go([s] { loop_of(s); });
  s->mu.unlock();
}
struct processor {
  chan<int> events = make_chan<int>(16);
  std::shared_ptr<strategy> its = std::make_shared<strategy>();
  context::context ctx;
  context::cancel_func cancel;
};
SITUATION(istio_18454, 2) {
  go([] {
    auto p = std::make_shared<processor>();
    std::tie(p->ctx, p->cancel) = context::with_cancel(context::background());
    std::tie(p->its->ctx, p->its->cancel) = context::with_cancel(context::background());
    for (int i = 0; i < 16; ++i) p->events << i;
    go([p] {
      for (;;) {
        switch (select(recv(p->ctx.done()), recv(p->events))) {
          case 0:
            p->its->cancel();
            return;
          case 1:
            on_change(p->its);
            time::sleep(3ms);
        }
      }
    });
    time::sleep(30ms);
    p->cancel();
  });
}
}  // namespace istio_18454
