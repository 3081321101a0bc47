// tee: two readers, and each gets every value. Neither runs ahead of the other by more than one.
// Pattern: the tee-channel, Katherine Cox-Buday, Concurrency in Go, 2017.
//
//   $ tools/dev run tee
//   3 and 3
//   1 and 1
//   4 and 4
//   1 and 1
//   5 and 5
#include <gossamer/gossamer.hpp>

#include <cstdio>
#include <utility>

using namespace gossamer;

recv_chan<int> digits() {
  auto out = make_chan<int>();
  go([=] {
    for (int d : {3, 1, 4, 1, 5}) out << d;
    close(out);
  });
  return out;
}

template <class T>
std::pair<recv_chan<T>, recv_chan<T>> tee(recv_chan<T> in) {
  auto left = make_chan<T>(), right = make_chan<T>();
  go([=] {
    for (T v : in) {
      auto l = left, r = right;
      for (int sent = 0; sent < 2; ++sent) {
        // Whoever has got it is nil for the second turn: a nil channel is never ready.
        select(send(l, v, [&] { l = nil; }), send(r, v, [&] { r = nil; }));
      }
    }
    close(left);
    close(right);
  });
  return {left, right};
}

int main() {
  return run([] {
    auto [left, right] = tee(digits());
    for (int l : left) std::printf("%d and %d\n", l, *right);
  });
}
