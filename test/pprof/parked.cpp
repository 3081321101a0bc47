// parked: writes the pprof form of a dump of known fibers to the file that its argument names.
#include <cstdio>
#include <gossamer/debug.hpp>
#include <gossamer/gossamer.hpp>

#include "frame.hpp"

using namespace gossamer;

FRAME void receives_here(const chan<int>& ch) {
  ch.recv();
  asm volatile("" : : : "memory");
}
FRAME void receives_deep_down(const chan<int>& ch, int depth) {
  if (depth == 0) {
    receives_here(ch);
  } else {
    receives_deep_down(ch, depth - 1);
  }
  asm volatile("" : : : "memory");
}
FRAME void sends_here(const chan<int>& ch) {
  ch.send(1);
  asm volatile("" : : : "memory");
}
FRAME void spawns_receivers(const chan<int>& ch) {
  for (int i = 0; i < 30; ++i) {
    go([ch, i] {
      debug::set_labels({{"side", i < 10 ? "left" : "right"}});
      receives_deep_down(ch, 5);
    });
  }
  asm volatile("" : : : "memory");
}

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: parked FILE\n", stderr);
    return 2;
  }
  return run([&] {
    auto in = make_chan<int>();
    auto out = make_chan<int>();
    spawns_receivers(in);
    for (int i = 0; i < 7; ++i) {
      go(fiber_options{.name = "sender"}, [out] { sends_here(out); });
    }
    while (runtime::num_fibers(runtime::status::waiting) < 37) {
      runtime::gosched();
    }
    std::FILE* const file = std::fopen(argv[1], "w");
    if (file == nullptr) {
      std::perror(argv[1]);
      return 1;
    }
    const error err = debug::dump(file, debug::format::pprof);
    std::fclose(file);
    if (err) {
      std::fprintf(stderr, "%s\n", err.text().c_str());
    }
    return err ? 1 : 0;
  });
}
