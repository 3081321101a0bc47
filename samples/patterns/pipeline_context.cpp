// pipeline_context: stages that are joined by channels, and that all stop when the context is cancelled.
// Pattern: Sameer Ajmani, Go Concurrency Patterns: Pipelines and cancellation, 2014; with a context for its done
// channel.
//
//   $ tools/dev run pipeline_context
//   1 4 9 16 25
//   the stages stopped: context canceled
#include <gossamer/gossamer.hpp>

#include <cstdio>

using namespace gossamer;

recv_chan<int> count(context::context ctx) {
  auto out = make_chan<int>();
  go([=] {
    defer d1{[&] { close(out); }};
    for (int i = 1; out.send_until(ctx, i) == channel_status::done; ++i) continue;
  });
  return out;
}

recv_chan<int> square(context::context ctx, recv_chan<int> in) {
  auto out = make_chan<int>();
  go([=] {
    defer d1{[&] { close(out); }};
    for (int i : in) {
      if (out.send_until(ctx, i * i) == channel_status::ended) return;
    }
  });
  return out;
}

int main() {
  return run([] {
    auto [ctx, cancel] = context::with_cancel(context::background());
    defer d1{cancel};

    auto squares = square(ctx, count(ctx));
    for (int i = 0; i < 5; ++i) std::printf("%s%d", i == 0 ? "" : " ", *squares);

    cancel();
    while (squares.recv()) continue;  // until the last stage has closed its channel
    std::printf("\nthe stages stopped: %s\n", ctx.err().text().c_str());
  });
}
