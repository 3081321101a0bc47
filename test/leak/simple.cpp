#include "situations.hpp"
namespace simple {
SITUATION(NilRecv, 1) {
  go([] { chan<int>().recv(); });
}
SITUATION(NilSend, 1) {
  go([] { chan<int>() << 1; });
}
SITUATION(SelectNoCases, 1) {
  go([] { select(); });
}
SITUATION(ChanRecv, 1) {
  go([] { make_chan<int>().recv(); });
}
SITUATION(ChanSend, 1) {
  go([] { make_chan<int>() << 1; });
}
SITUATION(Select, 1) {
  go([] { select(send(make_chan<int>(), 1), recv(make_chan<int>())); });
}
SITUATION(WaitGroup, 1) {
  go([] {
    sync::wait_group wg;
    wg.add(1);
    wg.wait();
  });
}
SITUATION(MutexStack, 1000) {
  for (int i = 0; i < 1000; ++i) {
    go([] {
      sync::mutex mu;
      mu.lock();
      mu.lock();
    });
  }
}
SITUATION(MutexHeap, 1000) {
  for (int i = 0; i < 1000; ++i) {
    go([] {
      auto mu = std::make_shared<sync::mutex>();
      go([mu] {
        mu->lock();
        mu->lock();
      });
    });
  }
}
SITUATION(Cond, 1) {
  go([] {
    sync::mutex mu;
    sync::cond changed;
    mu.lock();
    changed.wait(mu);
  });
}
SITUATION(RWMutexRLock, 1) {
  go([] {
    auto mu = std::make_shared<sync::rw_mutex>();
    mu->lock();
    mu->lock_shared();
  });
}
SITUATION(RWMutexLock, 1) {
  go([] {
    auto mu = std::make_shared<sync::rw_mutex>();
    mu->lock();
    mu->lock();
  });
}
SITUATION(Mixed, 2) {
  go([] {
    auto ch = make_chan<int>();
    sync::wait_group wg;
    wg.add(1);
    go([ch, &wg] {
      ch << 1;
      wg.done();
    });
    wg.wait();
    ch.recv();
  });
}
static chan<int> known_to_all = make_chan<int>();
SITUATION(NoLeakGlobal, 0) {
  go([] { known_to_all.recv(); });
}
SITUATION(SelectNoCasesMain, 1) {
  auto ch = make_chan<int>();
  go([ch] { ch.recv(); });
  go([] {
    time::sleep(50ms);
    show({"SelectNoCasesMain", 1, nullptr});
    os::exit(0);
  });
  select();
}
}  // namespace simple
