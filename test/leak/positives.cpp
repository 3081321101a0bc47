#include <gossamer/errgroup.hpp>
#include "situations.hpp"
// Leaks of one and the same kind, a send that nobody takes, as programs come to them.
namespace positives {
static inline void leaky(int n) {
  auto ch = make_chan<int>();
  go([=] { ch << n; });
  if (n < 1000) return;
  ch.recv();
}
[[gnu::noinline]] static void leaky_far(int n) { leaky(n); }
SITUATION(p_from_loop, 20) {  // a fiber that lives on has called it
  go([] {
    for (int i = 0; i < 20; ++i) {
      leaky_far(i);
      time::sleep(1ms);
    }
    time::sleep(10s);
  });
}
SITUATION(p_from_loop_inlined, 20) {
  go([] {
    for (int i = 0; i < 20; ++i) {
      leaky(i);
      time::sleep(1ms);
    }
    time::sleep(10s);
  });
}
SITUATION(p_big_closure, 1) {
  go([] {
    auto ch = make_chan<std::string>();
    std::string a = "a", b = "b";
    go([=] { ch << a + b; });
  });
}
SITUATION(p_function, 1) {
  go([] {
    auto ch = make_chan<int>();
    std::function<void()> task = [=] { ch << 1; };
    go(task);
  });
}
SITUATION(p_shared_struct, 1) {
  struct pair {
    chan<int> in = make_chan<int>(), out = make_chan<int>();
  };
  go([] {
    auto p = std::make_shared<pair>();
    go([p] { p->out << 1; });
  });
}
SITUATION(p_struct_by_value, 1) {
  struct pair {
    chan<int> in = make_chan<int>(), out = make_chan<int>();
  };
  go([] {
    pair p;
    go([p] { p.out << 1; });
  });
}
SITUATION(p_vector, 2) {
  go([] {
    std::vector<chan<int>> all{make_chan<int>(), make_chan<int>()};
    for (int i = 0; i < 2; ++i) go([all, i] { all[i] << 1; });
  });
}
SITUATION(p_unique_ptr, 1) {
  go([] {
    auto p = std::make_unique<chan<int>>(make_chan<int>());
    go([p = std::move(p)] { p->recv(); });
  });
}
SITUATION(p_wait_group_go, 2) {  // and who waits for it
  go([] {
    sync::wait_group wg;
    auto ch = make_chan<int>();
    wg.go([=] { ch << 1; });
    wg.wait();
  });
}
SITUATION(p_errgroup, 2) {
  go([] {
    errgroup::group g;
    auto ch = make_chan<int>();
    g.go([=]() -> error {
      ch << 1;
      return nil;
    });
    (void)g.wait();
  });
}
SITUATION(p_send_end_only, 1) {
  go([] {
    auto ch = make_chan<int>();
    send_chan<int> out = ch;
    go([out] { out << 1; });
  });
}
SITUATION(p_pipeline, 3) {  // stages whose last reader has gone
  go([] {
    auto a = make_chan<int>(), b = make_chan<int>(), c = make_chan<int>();
    go([=] {
      for (int i = 0;; ++i) a << i;
    });
    go([=] {
      for (int n : a) b << n;
    });
    go([=] {
      for (int n : b) c << n;
    });
    c.recv();
  });
}
}  // namespace positives
