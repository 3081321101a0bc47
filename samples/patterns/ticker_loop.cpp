// ticker_loop: something to be done again and again, until it is told to stop.
// Pattern: time.Ticker, Go by Example.
//
//   $ tools/dev run ticker_loop
//   tick
//   tick
//   tick
//   stopped
#include <gossamer/gossamer.hpp>

#include <cstdio>

using namespace gossamer;

int main() {
  return run([] {
    auto beats = make_chan<int>();
    auto stop = make_chan<void>();
    sync::wait_group wg;
    wg.go([=] {
      time::ticker ticker(2ms);
      defer d1{[&] { ticker.stop(); }};
      for (int n = 1;; ++n) {
        // Two selects: whoever listens to the beat may be slow, and must not keep us from stopping.
        if (select(recv(ticker.c), recv(stop)) == 1) return;
        if (select(send(beats, n), recv(stop)) == 1) return;
      }
    });

    while (*beats < 3) std::puts("tick");
    std::puts("tick");
    close(stop);
    wg.wait();
    std::puts("stopped");
  });
}
