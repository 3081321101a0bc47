// double_close: a pitfall: two think that the channel is theirs to close, and the second close is a panic.
// The way out is one owner, who alone has more than the receiving end: see owned_close.
//
//   $ tools/dev run double_close
//   1 2 3
//   panic: close of closed channel
//   ...
//   $ echo $?
//   2
#include <gossamer/gossamer.hpp>

#include <cstdio>

using namespace gossamer;

chan<int> produce() {  // a recv_chan<int> could not be closed by the one who gets it
  auto out = make_chan<int>();
  go([=] {
    for (int i = 1; i <= 3; ++i) out << i;
    close(out);
  });
  return out;
}

int main() {
  return run([] {
    auto numbers = produce();
    for (int n : numbers) std::printf("%s%d", n == 1 ? "" : " ", n);
    std::puts("");
    std::fflush(stdout);
    close(numbers);
  });
}
