// hello: a fiber sends squares over a channel, main prints them.
//
//   $ tools/dev run hello
//   1
//   4
//   9
//   16
//   25
#include <gossamer/gossamer.hpp>
#include <iostream>

using namespace gossamer;

int main() {
  return run([] {
    auto squares = make_chan<int>();
    go([=] {
      for (int i = 1; i <= 5; ++i) squares << i * i;
      close(squares);
    });
    for (int s : squares) std::cout << s << '\n';
  });
}
