#include "../situations.hpp"
namespace cockroach_35931 {
struct receiver {
  virtual ~receiver() = default;
  virtual void push() = 0;
};
struct row_channel : receiver {
  chan<void> data = make_chan<void>(1);
  void push() override { data.send(); }
};
struct flow {
  std::map<int, std::shared_ptr<receiver>> inbound;
};
struct registry {
  sync::mutex mu;
  std::map<int, std::shared_ptr<flow>> flows;
  void cancel(int id) {
    std::vector<std::shared_ptr<receiver>> late;
    {
      std::scoped_lock lock(mu);
      for (auto& [k, r] : flows[id]->inbound) late.push_back(r);
    }
    for (auto& r : late) r->push();
  }
};
SITUATION(cockroach_35931, 1) {
  go([] {
    auto all = std::make_shared<registry>();
    auto left = std::make_shared<row_channel>(), right = std::make_shared<row_channel>();
    left->push();
    auto f = std::make_shared<flow>();
    f->inbound = {{0, left}, {1, right}};
    all->flows[0] = f;
    all->cancel(0);
  });
}
}  // namespace cockroach_35931
