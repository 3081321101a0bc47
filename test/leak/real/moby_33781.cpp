#include "../situations.hpp"
namespace moby_33781 {
static void monitor(chan<bool> stop) {
  for (;;) {
    if (select(recv(stop), recv(time::after(1ms))) == 0) return;
    auto results = make_chan<bool>();
    auto [ctx, cancel] = context::with_timeout(context::background(), 50ms);
    go([=] {
      time::sleep(5ms);
      results << true;
      close(results);
    });
    switch (select(recv(stop), recv(results), recv(ctx.done()))) {
      case 0:
        cancel();
        return;
      case 1:
        cancel();
        break;
      case 2:
        cancel();
        results.recv();
    }
  }
}
SITUATION(moby_33781, -1) {
  for (int i = 0; i < 10; ++i) {
    go([=] {
      auto stop = make_chan<bool>();
      go(monitor, stop);
      go([=] {
        time::sleep(i * 2ms);
        stop << true;
      });
    });
  }
}
}  // namespace moby_33781
