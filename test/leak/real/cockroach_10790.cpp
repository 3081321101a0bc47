#include "../situations.hpp"
namespace cockroach_10790 {
struct replica {
  std::vector<chan<bool>> chans{make_chan<bool>(), make_chan<bool>()};
};
SITUATION(cockroach_10790, -1) {
  for (int i = 0; i < 5; ++i) {
    go([] {
      auto r = std::make_shared<replica>();
      auto [ctx, cancel] = context::with_cancel(context::background());
      go([r, c = ctx] {
        for (auto& ch : r->chans) {
          if (select(send(ch, true), recv(c.done())) == 1) return;
        }
      });
      go([r, c = ctx] {
        time::sleep(5ms);
        for (auto& ch : r->chans) {
          if (select(recv(ch), recv(c.done())) == 1) {
            go([r] {
              for (auto& each : r->chans) each.recv();
            });
          }
        }
      });
      go(cancel);
    });
  }
}
}  // namespace cockroach_10790
