// done_channel: closing a channel tells any number of fibers to stop; another channel tells that they have.
// Pattern: Sameer Ajmani, Go Concurrency Patterns: Pipelines and cancellation, 2014.
//
//   $ tools/dev run done_channel
//   3 workers wait for orders that never come
//   3 workers have stopped
#include <gossamer/gossamer.hpp>

#include <cstdio>

using namespace gossamer;

// Works off orders until done is closed; the channel that it returns is closed when it is over.
recv_chan<void> worker(recv_chan<void> done, recv_chan<int> orders) {
  auto terminated = make_chan<void>();
  go([=] {
    defer d1{[&] { close(terminated); }};
    for (;;) {
      int order;
      switch (select(recv(orders, order), recv(done))) {
        case 0:
          std::printf("order %d\n", order);
          break;
        case 1:
          return;
      }
    }
  });
  return terminated;
}

int main() {
  return run([] {
    auto done = make_chan<void>();
    auto orders = make_chan<int>();
    recv_chan<void> workers[] = {worker(done, orders), worker(done, orders), worker(done, orders)};
    std::puts("3 workers wait for orders that never come");

    close(done);  // one close, and all of them see it
    for (auto& terminated : workers) terminated.recv();
    std::puts("3 workers have stopped");
  });
}
