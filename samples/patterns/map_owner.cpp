// map_owner: a map without a lock: one fiber owns it, and the others ask that fiber, each with a channel for the reply.
// Pattern: stateful goroutines, Go by Example, after Share Memory By Communicating, Andrew Gerrand, 2010.
//
//   $ tools/dev run map_owner
//   50 writers, 50 readers
//   the counts add up to 50
#include <gossamer/gossamer.hpp>

#include <cstdio>
#include <map>

using namespace gossamer;

struct read_request {
  int key;
  chan<int> reply;
};
struct write_request {
  int key;
  int add;
};

void own(recv_chan<read_request> reads, recv_chan<write_request> writes, recv_chan<void> done) {
  std::map<int, int> counts;  // nobody else can reach it
  for (;;) {
    bool over = false;
    select(recv(reads, [&](read_request r) { r.reply << counts[r.key]; }),
           recv(writes, [&](write_request w) { counts[w.key] += w.add; }), recv(done, [&] { over = true; }));
    if (over) return;
  }
}

int main() {
  return run([] {
    auto reads = make_chan<read_request>();
    auto writes = make_chan<write_request>();
    auto done = make_chan<void>();
    go(own, reads, writes, done);
    auto read = [=](int key) {
      auto reply = make_chan<int>(1);  // so that the owner never waits for us
      reads << read_request{key, reply};
      return *reply;
    };

    sync::wait_group wg;
    for (int i = 0; i < 50; ++i) {
      wg.go([=] { writes << write_request{i % 5, 1}; });
      wg.go([=] { read(i % 5); });
    }
    wg.wait();
    std::puts("50 writers, 50 readers");
    std::printf("the counts add up to %d\n", read(0) + read(1) + read(2) + read(3) + read(4));
    close(done);
  });
}
