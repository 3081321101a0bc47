#include "../situations.hpp"
namespace cockroach_18101 {
constexpr int room = 6;
static void restore(context::context ctx) {
  auto ready = make_chan<bool>(room);
  go([=] {
    for (int i = 0; i < room + 2; ++i) ready << (i != 0);
    close(ready);
  });
  for (bool span : ready) {
    (void)span;
    if (select(recv(ctx.done())) == 0) return;
  }
}
SITUATION(cockroach_18101, 5) {
  for (int i = 0; i < 5; ++i) {
    auto [ctx, cancel] = context::with_cancel(context::background());
    go(restore, ctx);
    go(cancel);
  }
}
}  // namespace cockroach_18101
