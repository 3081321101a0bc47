// A user's program: built outside the tree, against the installed library or a subproject.
#include <cstdio>
#include <gossamer/gossamer.hpp>

using namespace gossamer;

int main() {
  return run([] {
    auto squares = make_chan<int>(4);
    go([squares] {
      for (int i = 1; i <= 10; ++i) {
        squares << i * i;
      }
      close(squares);
    });
    int sum = 0;
    for (int square : squares) {
      sum += square;
    }
    bool caught = false;
    try {
      close(squares);
    } catch (const panic_error& p) {  // its type is one and the same on both sides of a shared library
      caught = p.text() == "close of closed channel";
    }
    std::printf("sum %d, %s\n", sum, caught ? "caught" : "not caught");
    return 0;
  });
}
