#include "../situations.hpp"
namespace moby_25348 {
struct plugin {};
static void init(const std::vector<std::shared_ptr<plugin>>& all) {
  sync::wait_group group;
  group.add(static_cast<int>(all.size()));
  for (auto& p : all) {
    go([p, &group] { group.done(); });
    group.wait();
  }
}
SITUATION(moby_25348, 1) {
  go([] {
    std::vector<std::shared_ptr<plugin>> all{std::make_shared<plugin>(), std::make_shared<plugin>()};
    go([all] { init(all); });
  });
}
}  // namespace moby_25348
