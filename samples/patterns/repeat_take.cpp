// repeat_take: a generator without end, and a stage that takes the first few of its values.
// Pattern: "Some Handy Generators", Katherine Cox-Buday, Concurrency in Go, 2017.
//
//   $ tools/dev run repeat_take
//   tick tock tick tock tick
#include <gossamer/gossamer.hpp>

#include <cstdio>
#include <string>
#include <vector>

using namespace gossamer;

// The values again and again, until done is closed.
template <class T>
recv_chan<T> repeat(recv_chan<void> done, std::vector<T> values) {
  auto out = make_chan<T>();
  go([=] {
    defer d1{[&] { close(out); }};
    for (;;) {
      for (const T& v : values) {
        if (select(recv(done), send(out, v)) == 0) return;
      }
    }
  });
  return out;
}

// The first n values, or fewer where there are no more.
template <class T>
recv_chan<T> take(recv_chan<void> done, recv_chan<T> in, int n) {
  auto out = make_chan<T>();
  go([=] {
    defer d1{[&] { close(out); }};
    for (int i = 0; i < n; ++i) {
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
    defer d1{[&] { close(done); }};

    const char* separator = "";
    for (auto word : take(done, repeat<std::string>(done, {"tick", "tock"}), 5)) {
      std::printf("%s%s", separator, word.c_str());
      separator = " ";
    }
    std::puts("");
  });
}
