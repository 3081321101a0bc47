#include "../situations.hpp"
namespace kubernetes_70277 {
using wait_func = std::function<recv_chan<void>(recv_chan<void>)>;
static wait_func poller(time::duration interval, time::duration limit) {
  return [=](recv_chan<void> done) -> recv_chan<void> {
    auto ch = make_chan<void>();
    go([=] {
      defer d1{[&] { close(ch); }};
      time::ticker tick(interval);
      time::timer late(limit);
      for (;;) {
        switch (select(recv(tick.c), recv(late.c), recv(done))) {
          case 0:
            select(send(ch, unit()), otherwise);
            break;
          default:
            return;
        }
      }
    });
    return ch;
  };
}
static void wait_for(const wait_func& wait, const std::function<bool()>& f, recv_chan<void> done) {
  auto c = wait(done);
  for (;;) {
    const bool open = c.recv();
    if (f() || !open) return;
  }
}
SITUATION(kubernetes_70277, 1) {
  go([] {
    auto stop = make_chan<void>();
    defer d1{[&] { close(stop); }};
    auto poll = poller(1ms, 80ms);
    recv_chan<void> seen;
    wait_for(
        [&](recv_chan<void> done) {
          seen = done;
          return poll(done);
        },
        [] {
          time::sleep(10ms);
          return true;
        },
        stop);
    seen.recv();
  });
}
}  // namespace kubernetes_70277
