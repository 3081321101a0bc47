#include "../situations.hpp"
namespace moby_17176 {
struct devices {
  sync::mutex mu;
  int deleted = 0;
  error clean_up() {
    mu.lock();
    if (deleted == 0) return nil;  // held
    mu.unlock();
    return errors::make("no");
  }
};
SITUATION(moby_17176, 5) {
  for (int i = 0; i < 5; ++i) {
    go([] {
      auto d = std::make_shared<devices>();
      (void)d->clean_up();
      auto done = make_chan<bool>();
      go([=] {
        std::scoped_lock lock(d->mu);
        done << true;
      });
      select(recv(time::after(1ms)), recv(done));
    });
  }
}
}  // namespace moby_17176
