// owned_close: who makes a channel writes to it and closes it; the others only read, and say when they have enough.
// Pattern: channel ownership, Katherine Cox-Buday, Concurrency in Go, 2017.
//
//   $ tools/dev run owned_close
//   0 1 1 2 3 5 8 13 21 34 55 89
//   closed by its owner
#include <gossamer/gossamer.hpp>

#include <cstdio>
#include <utility>

using namespace gossamer;

// Fibonacci's numbers, until enough is closed. The only one who can send, and so the only one who may close.
recv_chan<long> fibonacci(recv_chan<void> enough) {
  auto numbers = make_chan<long>();
  go([=] {
    defer d1{[&] { close(numbers); }};
    for (long a = 0, b = 1;; a = std::exchange(b, a + b)) {
      if (select(send(numbers, a), recv(enough)) == 1) return;
    }
  });
  return numbers;
}

int main() {
  return run([] {
    auto enough = make_chan<void>();
    auto numbers = fibonacci(enough);
    for (long n = *numbers; n < 100; n = *numbers) std::printf("%s%ld", n == 0 ? "" : " ", n);
    close(enough);

    while (numbers.recv()) continue;  // it may have offered one more
    std::puts("\nclosed by its owner");
  });
}
