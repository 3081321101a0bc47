// bridge: a channel of channels, read as one.
// Pattern: the bridge-channel, Katherine Cox-Buday, Concurrency in Go, 2017.
//
//   $ tools/dev run bridge
//   0 1 2 10 11 12 20 21 22
#include <gossamer/gossamer.hpp>

#include <cstdio>

using namespace gossamer;

// Three values on a channel of their own.
recv_chan<int> page(int number) {
  auto out = make_chan<int>();
  go([=] {
    for (int i = 0; i < 3; ++i) out << 10 * number + i;
    close(out);
  });
  return out;
}

recv_chan<recv_chan<int>> pages() {
  auto out = make_chan<recv_chan<int>>();
  go([=] {
    for (int i = 0; i < 3; ++i) out << page(i);
    close(out);
  });
  return out;
}

template <class T>
recv_chan<T> bridge(recv_chan<recv_chan<T>> streams) {
  auto out = make_chan<T>();
  go([=] {
    for (auto stream : streams) {
      for (T v : stream) out << v;
    }
    close(out);
  });
  return out;
}

int main() {
  return run([] {
    for (int v : bridge(pages())) std::printf("%s%d", v == 0 ? "" : " ", v);
    std::puts("");
  });
}
