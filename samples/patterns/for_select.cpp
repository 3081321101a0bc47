// for_select: the two loops around a select: one that sends what it has, and one that works until it is told to stop.
// Pattern: the for-select loop, Katherine Cox-Buday, Concurrency in Go, 2017.
//
//   $ tools/dev run for_select
//   sent: a b c
//   worked until done was closed
#include <gossamer/gossamer.hpp>

#include <atomic>
#include <cstdio>

using namespace gossamer;

// Sends each letter, unless done comes first.
recv_chan<char> letters(recv_chan<void> done) {
  auto out = make_chan<char>();
  go([=] {
    defer d1{[&] { close(out); }};
    for (char c : {'a', 'b', 'c'}) {
      if (select(recv(done), send(out, c)) == 0) return;
    }
  });
  return out;
}

int main() {
  return run([] {
    auto done = make_chan<void>();
    std::printf("sent:");
    for (char c : letters(done)) std::printf(" %c", c);
    std::puts("");

    std::atomic<long> turns = 0;
    sync::wait_group worker;
    worker.go([&] {
      for (;;) {
        if (select(recv(done), otherwise) == 0) return;
        ++turns;             // a piece of work that does not block
        runtime::gosched();  // nothing is preempted here: others get their turn between the pieces
      }
    });
    while (turns < 100) runtime::gosched();
    close(done);
    worker.wait();
    std::puts("worked until done was closed");
  });
}
