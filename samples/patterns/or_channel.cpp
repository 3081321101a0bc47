// or_channel: one done channel made of many: it is closed as soon as any of them is.
// Pattern: the or-channel, Katherine Cox-Buday, Concurrency in Go, 2017.
//
//   $ tools/dev run or_channel
//   none of 9 is closed
//   one of 9 is closed
#include <gossamer/gossamer.hpp>

#include <cstdio>
#include <vector>

using namespace gossamer;
using signals = std::vector<recv_chan<void>>;

// `or` is a word of C++.
recv_chan<void> any_of(signals in) {
  if (in.empty()) return nil;
  if (in.size() == 1) return in[0];
  auto done = make_chan<void>();
  go([=] {
    defer d1{[&] { close(done); }};
    if (in.size() == 2) {
      select(recv(in[0]), recv(in[1]));
      return;
    }
    // The rest is a tree of its own. It gets our done as well, so that it ends when we do.
    signals rest(in.begin() + 3, in.end());
    rest.push_back(done);
    select(recv(in[0]), recv(in[1]), recv(in[2]), recv(any_of(rest)));
  });
  return done;
}

int main() {
  return run([] {
    std::vector<chan<void>> nine;
    for (int i = 0; i < 9; ++i) nine.push_back(make_chan<void>());

    auto any = any_of(signals(nine.begin(), nine.end()));
    if (select(recv(any), otherwise) == 1) std::puts("none of 9 is closed");
    close(nine[6]);
    any.recv();
    std::puts("one of 9 is closed");
  });
}
