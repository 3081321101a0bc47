// or_done: a range-for over a channel that is not one's own, and that may never be closed, ends when done is.
// Pattern: the or-done-channel, Katherine Cox-Buday, Concurrency in Go, 2017.
//
//   $ tools/dev run or_done
//   1
//   2
//   3
//   done
#include <gossamer/gossamer.hpp>

#include <cstdio>

using namespace gossamer;

template <class T>
recv_chan<T> or_done(recv_chan<void> done, recv_chan<T> in) {
  auto out = make_chan<T>();
  go([=] {
    defer d1{[&] { close(out); }};
    for (;;) {
      T v;
      bool ok;
      if (select(recv(done), recv(in, v, ok)) == 0 || !ok) return;
      if (select(recv(done), send(out, v)) == 0) return;
    }
  });
  return out;
}

int main() {
  return run([] {
    auto done = make_chan<void>();
    auto news = make_chan<int>(3);  // nobody closes it
    for (int i = 1; i <= 3; ++i) news << i;

    for (int i : or_done<int>(done, news)) {
      std::printf("%d\n", i);
      if (i == 3) close(done);
    }
    std::puts("done");
  });
}
