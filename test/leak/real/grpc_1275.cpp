#include "../situations.hpp"
namespace grpc_1275 {
struct buffer {
  chan<bool> c = make_chan<bool>();
};
struct stream {
  std::shared_ptr<buffer> from = std::make_shared<buffer>();
  int read() {
    select(recv(from->c));
    return 0;
  }
};
SITUATION(grpc_1275, 1) {
  go([] {
    auto s = std::make_shared<stream>();
    auto done = make_chan<bool>();
    go([=] {
      s->read();
      close(done);
    });
    time::timer limit(1ms);
    select(recv(done), recv(limit.c));
  });
}
}  // namespace grpc_1275
