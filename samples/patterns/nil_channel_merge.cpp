// nil_channel_merge: one fiber merges two channels. One that is closed becomes nil, and is never chosen again.
// Pattern: Francesc Campoy, Why are there nil channels in Go?, 2017.
//
//   $ tools/dev run nil_channel_merge
//   0 1 2 3 4 5 6 7 8 9
#include <gossamer/gossamer.hpp>

#include <algorithm>
#include <cstdio>
#include <vector>

using namespace gossamer;

recv_chan<int> every_other(int first) {
  auto out = make_chan<int>();
  go([=] {
    for (int i = first; i < 10; i += 2) out << i;
    close(out);
  });
  return out;
}

template <class T>
recv_chan<T> merge(recv_chan<T> a, recv_chan<T> b) {
  auto out = make_chan<T>();
  go([=]() mutable {
    while (a || b) {
      T v;
      bool ok;
      const int which = select(recv(a, v, ok), recv(b, v, ok));
      if (ok) {
        out << v;
      } else {
        (which == 0 ? a : b) = nil;
      }
    }
    close(out);
  });
  return out;
}

int main() {
  return run([] {
    std::vector<int> got;
    for (int v : merge(every_other(0), every_other(1))) got.push_back(v);
    std::sort(got.begin(), got.end());  // they come in any order
    for (int v : got) std::printf("%s%d", v == 0 ? "" : " ", v);
    std::puts("");
  });
}
