// first_response_wins: the same question to several servers; the first answer counts, and the others are called off.
// Pattern: replicated search, Rob Pike, Go Concurrency Patterns, 2012.
//
//   $ tools/dev run first_response_wins
//   the answer of the quick server
//   2 were called off
#include <gossamer/gossamer.hpp>

#include <atomic>
#include <cstdio>
#include <iterator>
#include <string>

using namespace gossamer;

struct server {
  const char* name;
  time::duration takes;
};

int main() {
  return run([] {
    const server servers[] = {{"slow", 1h}, {"quick", 0s}, {"lame", 2h}};
    auto [ctx, cancel] = context::with_cancel(context::background());
    defer d1{cancel};

    // Room for all answers: who comes too late does not wait for ever for somebody to listen.
    auto answers = make_chan<std::string>(std::size(servers));
    std::atomic<int> called_off = 0;
    sync::wait_group wg;
    for (const server& s : servers) {
      wg.go([=, c = ctx, &called_off] {
        if (time::sleep_for(s.takes, c)) {
          answers << s.name;
        } else {
          ++called_off;
        }
      });
    }
    std::printf("the answer of the %s server\n", answers.recv()->c_str());
    cancel();
    wg.wait();
    std::printf("%d were called off\n", called_off.load());
  });
}
