#include "situations.hpp"
namespace patterns {
// workers over a channel that nobody closes; and one with no workers at all
static void spread(const std::vector<int>& items, int workers) {
  auto ch = make_chan<int>();
  for (int i = 0; i < workers; ++i) {
    go([=] {
      for (int item : ch) (void)item;
    });
  }
  for (int item : items) ch << item;
}
SITUATION(NoCloseRange, 4) {
  go(spread, std::vector{1, 2, 3}, 0);
  go(spread, std::vector{1, 2, 3}, 3);
}
// a worker that is to be stopped, and is not
struct worker {
  chan<int> queue = make_chan<int>();
  chan<void> done = make_chan<void>();
  void start() const {
    go([w = *this] {
      for (;;) {
        if (select(recv(w.queue), recv(w.done)) == 1) return;
      }
    });
  }
  void stop() const { close(done); }
};
SITUATION(MethodContractViolation, 1) {
  worker w;
  w.start();
  for (int i = 0; i < 10; ++i) w.queue << i;
}
// one that answers twice where it has failed
static void answer(const chan<int>& ch, error failed) {
  if (failed) ch << 0;
  ch << 1;
}
SITUATION(DoubleSend, 1) {
  auto ch = make_chan<int>();
  go([=] { answer(ch, nil); });
  ch.recv();
  go([=] { answer(ch, errors::make("no")); });
  ch.recv();
  auto roomy = make_chan<int>(1);
  go([=] { answer(roomy, errors::make("no")); });
  roomy.recv();
}
static void leaves_early(error failed) {
  auto ch = make_chan<int>();
  go([=] { ch << 1; });
  if (failed) return;
  ch.recv();
}
SITUATION(EarlyReturn, 1) { go(leaves_early, errors::make("no")); }
static void first_of(int n) {
  auto ch = make_chan<int>();
  for (int i = 0; i < n; ++i) go([=] { ch << i; });
  ch.recv();
}
SITUATION(NCastLeak, 5) {
  go(first_of, 0);
  go(first_of, 5);
}
static void with_limit(context::context ctx) {
  auto ch = make_chan<int>();
  go([=] { ch << 1; });
  select(recv(ch), recv(ctx.done()));
}
SITUATION(Timeout, -1) {
  auto [ctx, cancel] = context::with_cancel(context::background());
  cancel();
  for (int i = 0; i < 100; ++i) go(with_limit, ctx);
}
}  // namespace patterns
