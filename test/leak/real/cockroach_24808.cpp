#include "../situations.hpp"
namespace cockroach_24808 {
struct stopper {
  sync::wait_group workers;
  chan<void> stopping = make_chan<void>();
};
struct compactor {
  chan<void> ch = make_chan<void>(1);
  void start(context::context, stopper& s) {
    ch.send();
    s.workers.go([c = ch, q = s.stopping] {
      for (;;) {
        if (select(recv(q), recv(c)) == 0) return;
      }
    });
  }
};
SITUATION(cockroach_24808, 1) {
  go([] {
    stopper s;
    defer d1{[&] { close(s.stopping); }};
    compactor c;
    c.ch.send();
    c.start(context::background(), s);
  });
}
}  // namespace cockroach_24808
