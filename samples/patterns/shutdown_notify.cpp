// shutdown_notify: a signal comes over a channel like any other value; the workers finish what they have begun, and
// main waits for them, though not for ever. Pattern: graceful shutdown with signal.Notify and a sync.WaitGroup.
//
//   $ tools/dev run shutdown_notify
//   working
//   got terminated
//   3 workers have finished
#include <gossamer/gossamer.hpp>

#include <unistd.h>
#include <atomic>
#include <csignal>
#include <cstdio>

using namespace gossamer;

int main() {
  return run([] {
    auto signals = make_chan<os::signal>(1);  // room for one: a signal does not wait for a receiver
    signal::notify(signals, SIGINT, SIGTERM);
    defer d1{[&] { signal::stop(signals); }};

    auto quit = make_chan<void>();
    std::atomic<int> finished = 0;
    sync::wait_group workers;
    for (int i = 0; i < 3; ++i) {
      workers.go([&] {
        while (time::sleep_for(1ms, quit)) continue;  // a piece of work
        ++finished;
      });
    }
    std::puts("working");

    // In the place of `kill PID`. Not raise(): that is for the calling thread, and the workers' block signals.
    ::kill(::getpid(), SIGTERM);
    std::printf("got %s\n", (*signals).text().c_str());
    close(quit);
    if (workers.wait_for(10s)) std::printf("%d workers have finished\n", finished.load());
  });
}
