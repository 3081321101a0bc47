#include "../situations.hpp"
namespace moby_21233 {
struct watcher {
  chan<void> signal = make_chan<void>(), release = make_chan<void>(), running = make_chan<void>();
};
struct transfer : std::enable_shared_from_this<transfer> {
  sync::mutex mu;
  std::shared_ptr<watcher> watch(send_chan<int> progress, int n) {
    std::scoped_lock lock(mu);
    auto w = std::make_shared<watcher>();
    go([self = shared_from_this(), w, progress, n] {
      defer d1{[&] { close(w->running); }};
      for (bool done = false;;) {
        {
          std::scoped_lock lock(self->mu);
        }
        if (n != 2) progress << n;
        if (done) return;
        if (select(recv(w->signal), recv(w->release)) == 1) done = true;
      }
    });
    return w;
  }
  void release(const std::shared_ptr<watcher>& w) {
    {
      std::scoped_lock lock(mu);
    }
    close(w->release);
    w->running.recv();
  }
};
SITUATION(moby_21233, 4) {
  go([] {
    auto progress = make_chan<int>();
    auto over = make_chan<void>();
    go([=] {
      for (int p : progress) {
        if (p == 0) return;  // and over stays open
      }
      close(over);
    });
    std::vector<std::shared_ptr<transfer>> all;
    std::vector<std::shared_ptr<watcher>> watchers;
    for (int n = 0; n < 3; ++n) {
      all.push_back(std::make_shared<transfer>());
      watchers.push_back(all.back()->watch(progress, n));
      time::sleep(2ms);
    }
    for (int n = 0; n < 3; ++n) all[n]->release(watchers[n]);
    close(progress);
    over.recv();
  });
}
}  // namespace moby_21233
