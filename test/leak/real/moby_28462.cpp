#include "../situations.hpp"
namespace moby_28462 {
struct container {
  sync::mutex mu;
  chan<void> stop = make_chan<void>();
};
SITUATION(moby_28462, 2) {
  auto c = std::make_shared<container>();
  go([c] {
    while (select(recv(c->stop), otherwise) != 0) {
      time::sleep(2ms);
      std::scoped_lock lock(c->mu);
    }
  });
  go([c] {
    time::sleep(1ms);
    std::scoped_lock lock(c->mu);
    c->stop.send();
  });
}
}  // namespace moby_28462
