// A frame that is larger than a fiber's stack and its guard, of which only the low end is touched: with the flags that
// the library gives its users it does not get past the guard. A build with assertions has stacks of 1 MiB.
#include <gossamer/gossamer.hpp>

using namespace gossamer;

[[gnu::noinline]] static void large() {
  char frame[1200 << 10];
  frame[0] = 1;
  asm volatile("" : : "r"(frame) : "memory");
}

int main() {
  return run([] {
    for (int i = 0; i < 8; ++i) {
      go([] { large(); });
    }
    make_chan<void>().recv();
  });
}
