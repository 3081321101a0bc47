#include "../situations.hpp"
namespace grpc_660 {
struct bench {
  chan<bool> stopping = make_chan<bool>();
  void loop() {
    for (int i = 0;; ++i) {
      auto done = make_chan<bool>();
      go([=] {
        time::sleep(5ms);
        done << (i % 10 < 7);
      });
      if (select(recv(stopping), recv(done)) == 0) return;
    }
  }
};
SITUATION(grpc_660, 1) {
  go([] {
    auto b = std::make_shared<bench>();
    go([b] { b->loop(); });
    go([b] { b->stopping << true; });
  });
}
}  // namespace grpc_660
