#include "../situations.hpp"
namespace hugo_5379 {
struct page : std::enable_shared_from_this<page> {
  sync::once content, plain;
  sync::mutex mu;
  void init_plain() {
    plain.do_([this] { std::scoped_lock lock(mu); });
  }
  void init_content() {
    content.do_([this] {
      auto [ctx, cancel] = context::with_timeout(context::background(), 2ms);
      defer d1{cancel};
      auto c = make_chan<error>(1);
      go([self = shared_from_this(), c] {
        std::scoped_lock lock(self->mu);
        self->words();  // a short code of the page asks for its words
        c << error();
      });
      select(recv(ctx.done()), recv(c));
    });
  }
  void words() {
    init_content();
    init_plain();
  }
};
SITUATION(hugo_5379, 4) {
  go([] {
    auto p = std::make_shared<page>();
    sync::wait_group wg;
    for (int i = 0; i < 2; ++i) wg.go([p] { p->words(); });
    wg.wait();
  });
}
}  // namespace hugo_5379
