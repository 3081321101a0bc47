#include "../situations.hpp"
namespace kubernetes_5316 {
static void finish(time::duration limit, std::function<error()> f) {
  auto ch = make_chan<bool>();
  auto failed = make_chan<error>();
  go([=] {
    if (error err = f()) {
      failed << err;
    } else {
      ch << true;
    }
  });
  select(recv(ch), recv(failed), recv(time::after(limit)));
}
SITUATION(kubernetes_5316, 2) {
  for (bool fails : {false, true}) {
    go([=] {
      finish(1us, [=] {
        time::sleep(2ms);
        return fails ? errors::make("no") : error();
      });
    });
  }
}
}  // namespace kubernetes_5316
