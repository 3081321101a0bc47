// pool_errgroup: the feeder and the workers are tasks of one group: if a worker fails the feeder stops too.
// Pattern: the pipeline in the documentation of golang.org/x/sync/errgroup.
//
//   $ tools/dev run pool_errgroup
//   10 lines: 10 results, error: <nil>
//   line 7 is bad: error: line 7: cannot be parsed
#include <gossamer/gossamer.hpp>

#include <atomic>
#include <cstdio>
#include <utility>

using namespace gossamer;

// How many of ten lines were worked on, and what went wrong.
std::pair<int, error> process(int bad_line) {
  auto [g, ctx] = errgroup::with_context(context::background());
  auto lines = make_chan<int>();
  std::atomic<int> results = 0;

  g.go([lines, c = ctx]() -> error {
    defer d1{[&] { close(lines); }};
    for (int i = 1; i <= 10; ++i) {
      if (lines.send_until(c, i) == channel_status::ended) return c.err();
    }
    return nil;
  });
  for (int i = 0; i < 3; ++i) {
    g.go([=, &results]() -> error {
      for (int line : lines) {
        if (line == bad_line) return errors::wrap(errors::make("cannot be parsed"), "line ", line);
        ++results;
      }
      return nil;
    });
  }
  error err = g.wait();  // when it returns nobody uses results any more
  return {results, err};
}

int main() {
  return run([] {
    auto [n, err] = process(0);
    std::printf("10 lines: %d results, error: %s\n", n, err ? err.text().c_str() : "<nil>");
    std::tie(n, err) = process(7);
    std::printf("line 7 is bad: error: %s\n", err.text().c_str());
  });
}
