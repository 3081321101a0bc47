#include "situations.hpp"
// Situations in which nobody is lost: what is said of their fibers is a false alarm, unless it is `none`.
namespace controls {
static std::map<int, chan<int>> table;            // known to all
static std::vector<std::function<void()>> later;  // known to all
static sync::mutex table_mu;

SITUATION(c_moved_to_map, 0) {
  go([] {
    auto ch = make_chan<int>();
    table[1] = std::move(ch);
    table[1].recv();
  });
}
// a client that waits for its reply, whose channel stands in a table
SITUATION(c_rpc_assign, 0) {
  go([] {
    auto reply = make_chan<int>();
    {
      std::scoped_lock lock(table_mu);
      table[2] = reply;
    }
    reply.recv();
  });
}
SITUATION(c_rpc_emplace, 0) {
  go([] {
    auto reply = make_chan<int>();
    {
      std::scoped_lock lock(table_mu);
      table.emplace(3, reply);
    }
    reply.recv();
  });
}
SITUATION(c_rpc_insert, 0) {
  go([] {
    auto reply = make_chan<int>();
    {
      std::scoped_lock lock(table_mu);
      table.insert({4, reply});
    }
    reply.recv();
  });
}
struct call {
  int id;
  chan<int> reply;
};
static std::vector<call> calls;
SITUATION(c_rpc_push_back, 0) {
  go([] {
    auto reply = make_chan<int>();
    {
      const call c{5, reply};
      calls.push_back(c);
    }
    reply.recv();
  });
}
// the same, through a server that keeps them in a deque and answers in 10 s
SITUATION(c_rpc_server, 0) {
  auto requests = make_chan<call>();
  go([=] {
    auto kept = std::make_unique<std::vector<call>>();
    for (int i = 0; i < 4; ++i) kept->push_back(*requests);
    time::sleep(10s);
    for (auto& c : *kept) c.reply << c.id;
  });
  for (int i = 0; i < 4; ++i) {
    go([=] {
      auto reply = make_chan<int>();
      requests << call{i, reply};
      reply.recv();
    });
  }
}
// callbacks that stand in a table
[[gnu::noinline]] static void on_event(std::function<void()> f) { later.push_back(f); }
SITUATION(c_callback, 0) {
  go([] {
    auto ch = make_chan<int>();
    on_event([ch] { ch << 1; });
    ch.recv();
  });
}
[[gnu::noinline]] static void keep(chan<int> ch) { table[10] = ch; }
[[gnu::noinline]] static void tell(chan<int> ch) {
  if (ch.len() > 5) std::puts("much");
}
SITUATION(c_by_value_then_recv, 0) {
  go([] {
    auto ch = make_chan<int>();
    keep(ch);
    ch.recv();
  });
}
// a pool of workers; its producer has its handle in an object
struct producer {
  chan<int> jobs = make_chan<int>();
};
static std::unique_ptr<producer> one;
SITUATION(c_pool, 0) {
  one = std::make_unique<producer>();
  for (int i = 0; i < 8; ++i) {
    go([jobs = one->jobs] {
      for (int job : jobs) (void)job;
    });
  }
}
SITUATION(c_pool_by_value, 0) {
  one = std::make_unique<producer>();
  for (int i = 0; i < 8; ++i) {
    go([jobs = one->jobs] {
      tell(jobs);
      for (int job : jobs) (void)job;
    });
  }
}
static void work(chan<int> jobs) {
  tell(jobs);
  for (int job : jobs) (void)job;
}
SITUATION(c_pool_args, 0) {
  one = std::make_unique<producer>();
  for (int i = 0; i < 8; ++i) go(work, one->jobs);
}
SITUATION(c_after_func, 0) {
  auto ch = make_chan<int>();
  (void)time::after_func(10s, [ch] { ch << 1; });
  go([ch] { ch.recv(); });
}
SITUATION(c_thread, 0) {
  auto ch = make_chan<int>();
  std::thread([ch] {
    std::this_thread::sleep_for(10s);
    ch << 1;
  }).detach();
  go([ch] { ch.recv(); });
}
SITUATION(c_in_buffer, 0) {
  static chan<chan<int>> mail = make_chan<chan<int>>(1);
  go([] {
    auto ch = make_chan<int>();
    mail << ch;
    ch.recv();
  });
}
SITUATION(c_sleeper_has_it, 0) {
  auto ch = make_chan<int>();
  go([ch] { ch.recv(); });
  go([ch] {
    time::sleep(10s);
    ch << 1;
  });
}
SITUATION(c_sleeper_has_it_in_big_closure, 0) {
  auto ch = make_chan<int>();
  std::string a, b;
  go([ch] { ch.recv(); });
  go([ch, a, b] {
    time::sleep(10s);
    ch << 1;
  });
}
SITUATION(c_sleeper_has_it_on_heap, 0) {
  auto ch = make_chan<int>();
  go([ch] { ch.recv(); });
  go([p = std::make_shared<chan<int>>(ch)] {
    time::sleep(10s);
    *p << 1;
  });
}
SITUATION(c_raw_reference, 0) {  // a reference to a handle that lives in a heap object
  auto p = std::make_shared<chan<int>>(make_chan<int>());
  go([p] { p->recv(); });
  go([p] {
    time::sleep(10s);
    *p << 1;
  });
}
SITUATION(c_blocking_has_it, 0) {
  auto ch = make_chan<int>();
  go([ch] { ch.recv(); });
  go([ch] {
    runtime::blocking([] { std::this_thread::sleep_for(10s); });
    ch << 1;
  });
}
SITUATION(c_busy_has_it, 0) {
  auto ch = make_chan<int>();
  go([ch] { ch.recv(); });
  go([ch] {
    const auto until = time::now() + 1s;
    while (time::now() < until) {
    }
    ch << 1;
  });
}
SITUATION(c_join_handle, 0) {  // in a structure that a waiting fiber has by a pointer
  auto p = std::make_shared<producer>();
  go([jobs = p->jobs] { jobs.recv(); });
  go([p] {
    time::sleep(10s);
    p->jobs << 1;
  });
}
// mutexes
SITUATION(c_mutex_of_sleeper, 0) {
  auto mu = std::make_shared<sync::mutex>();
  for (int i = 0; i < 3; ++i) {
    go([mu] {
      std::scoped_lock lock(*mu);
      time::sleep(5s);
    });
  }
}
SITUATION(c_gate, 0) {  // locked, and unlocked by somebody else
  auto gate = std::make_shared<sync::mutex>();
  go([gate] {
    gate->lock();
    go([gate] {
      time::sleep(10s);
      gate->unlock();
    });
    gate->lock();
  });
}
SITUATION(c_gate_pair, 0) {  // turns: each waits for its own gate, which a sleeper opens
  auto a = std::make_shared<sync::mutex>(), b = std::make_shared<sync::mutex>();
  go([a, b] {
    a->lock();
    time::sleep(2ms);
    b->lock();
  });
  go([a, b] {
    b->lock();
    time::sleep(2ms);
    a->lock();
  });
  go([a, b] {
    time::sleep(10s);
    a->unlock();
    b->unlock();
  });
}
static sync::mutex handed_on;
SITUATION(c_handed_on, 0) {  // its locker has ended; another fiber has the stack now; main will unlock it
  go([] { handed_on.lock(); });
  time::sleep(10ms);
  for (int i = 0; i < 8; ++i) go([] { handed_on.lock(); });
}
SITUATION(c_limited_cycle, 0) {
  auto a = std::make_shared<sync::mutex>(), b = std::make_shared<sync::mutex>();
  for (bool first : {false, true}) {
    go([=] {
      auto& mine = first ? *a : *b;
      auto& its = first ? *b : *a;
      std::scoped_lock lock(mine);
      time::sleep(2ms);
      if (its.try_lock_for(1s)) its.unlock();
    });
  }
}
SITUATION(c_limited_wait, 0) {
  go([] {
    auto ch = make_chan<int>();
    (void)ch.recv_for(1s);
  });
}
SITUATION(c_stopped_wait, 0) {  // its stop can come
  auto [ctx, cancel] = context::with_timeout(context::background(), 1s);
  go([c = ctx] {
    auto ch = make_chan<int>();
    int v = 0;
    (void)ch.recv_until(c, v);
  });
}
}  // namespace controls
