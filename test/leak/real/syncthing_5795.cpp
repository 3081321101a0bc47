#include "../situations.hpp"
namespace syncthing_5795 {
struct connection : std::enable_shared_from_this<connection> {
  std::function<void()> on_config;
  chan<int> inbox = make_chan<int>();
  chan<void> stopped = make_chan<void>(), closed = make_chan<void>();
  sync::once once;
  void dispatch() {
    defer d1{[&] { gossamer::close(stopped); }};
    for (;;) {
      int m = 0;
      if (select(recv(inbox, m), recv(closed)) == 1) return;
      if (m != 1) return;
      on_config();
    }
  }
  void shut() {
    once.do_([this] {
      gossamer::close(closed);
      stopped.recv();
    });
  }
};
SITUATION(syncthing_5795, 2) {
  go([] {
    auto c = std::make_shared<connection>();
    c->on_config = [p = c.get()] { p->shut(); };
    go([c] { c->dispatch(); });
    c->inbox << 1;
    c->stopped.recv();
  });
}
}  // namespace syncthing_5795
