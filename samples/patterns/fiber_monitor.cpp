// fiber_monitor: a fiber that counts the fibers, and raises the alarm where there are too many.
// Pattern: watching runtime.NumGoroutine.
//
//   $ tools/dev run fiber_monitor
//   alarm: more than 50 fibers
//   100 fibers let go
//   fibers left: 1
#include <gossamer/gossamer.hpp>

#include <cstdio>

using namespace gossamer;

// Looks every millisecond until done is closed. Sends how many there are once there are more than the limit.
void monitor(int limit, send_chan<int> alarm, recv_chan<void> done) {
  time::ticker ticker(1ms);
  defer d1{[&] { ticker.stop(); }};
  while (select(recv(done), recv(ticker.c)) == 1) {
    if (const int n = runtime::num_fibers(); n > limit) {
      select(recv(done), send(alarm, n));
      return;
    }
  }
}

int main() {
  return run([] {
    auto alarm = make_chan<int>();
    auto done = make_chan<void>(), release = make_chan<void>();
    go(monitor, 50, alarm, done);

    sync::wait_group wg;
    for (int i = 0; i < 100; ++i) wg.go([=] { release.recv(); });
    if (*alarm > 50) std::puts("alarm: more than 50 fibers");
    close(done);

    close(release);
    wg.wait();
    std::puts("100 fibers let go");
    while (runtime::num_fibers() > 1) runtime::gosched();  // a fiber counts until it is gone
    std::printf("fibers left: %d\n", runtime::num_fibers());
  });
}
