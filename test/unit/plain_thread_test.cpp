// Plain threads: every blocking call works from a std::thread too, in both directions.
#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "inside.hpp"

using namespace gossamer;
using support::await_receivers;
using support::await_senders;
using support::eventually;
using support::panic_of;
using support::scale;

FIBER_TEST("a thread sends to a fiber, and a fiber to a thread") {
  for (const int capacity : {0, 1, 8}) {
    auto there = make_chan<int>(capacity), back = make_chan<int>(capacity);
    const int count = scale(2000);
    std::thread other([=] {
      for (int v : there) {
        back << v + 1;
      }
      close(back);
    });
    int wrong = 0;
    for (int i = 0; i < count; ++i) {
      there << i;
      wrong += *back != i + 1;
    }
    close(there);
    CHECK(!back.recv());
    other.join();
    CHECK(wrong == 0);
  }
}

FIBER_TEST("a thread that is blocked in a channel is woken by fibers, in its turn") {
  auto ch = make_chan<int>();
  std::atomic<int> got = 0;
  std::thread receiver([&] { got = *ch; });
  CHECK(await_receivers(ch, 1));
  CHECK(got == 0);
  ch << 5;
  receiver.join();
  CHECK(got == 5);

  std::atomic<bool> sent = false;
  std::thread sender([&] {
    ch << 6;
    sent = true;
  });
  CHECK(await_senders(ch, 1));
  CHECK(!sent);
  CHECK(*ch == 6);
  sender.join();
  CHECK(sent);

  std::string text;
  std::thread loser([&] { text = panic_of([&] { ch << 7; }); });
  CHECK(await_senders(ch, 1));
  close(ch);
  loser.join();
  CHECK(text == "send on closed channel");
}

FIBER_TEST("threads and fibers share one channel, and every value arrives once") {
  for (const int capacity : {0, 3}) {
    auto ch = make_chan<int>(capacity);
    const int count = scale(4000);
    std::atomic<long> sum = 0;
    std::atomic<int> arrived = 0;
    sync::wait_group senders, receivers;
    std::vector<std::thread> threads;
    senders.add(4);
    receivers.add(4);
    const auto send = [&] {
      for (int i = 0; i < count; ++i) {
        ch << i;
      }
      senders.done();
    };
    const auto receive = [&] {
      for (int v : ch) {
        sum += v;
        ++arrived;
      }
      receivers.done();
    };
    for (int i = 0; i < 2; ++i) {
      go(send);
      go(receive);
      threads.emplace_back(send);
      threads.emplace_back(receive);
    }
    senders.wait();
    close(ch);
    receivers.wait();
    for (std::thread& t : threads) {
      t.join();
    }
    CHECK(arrived == 4 * count);
    CHECK(sum == 2L * count * (count - 1));
  }
}

FIBER_TEST("two threads talk over a channel with no fiber between them") {
  auto ch = make_chan<int>();
  const int count = scale(4000);
  long sum = 0;
  std::thread a([=] {
    for (int i = 0; i < count; ++i) {
      ch << i;
    }
    close(ch);
  });
  std::thread b([&] {
    for (int v : ch) {
      sum += v;
    }
  });
  a.join();
  b.join();
  CHECK(sum == static_cast<long>(count) * (count - 1) / 2);
}

FIBER_TEST("a thread may start fibers and wait for them") {
  std::atomic<int> ran = 0, seen = -1;
  std::thread other([&] {
    sync::wait_group wg;
    wg.add(50);
    for (int i = 0; i < 50; ++i) {
      go([&] {
        ++ran;
        wg.done();
      });
    }
    wg.wait();
    seen = ran.load();
  });
  CHECK(eventually([&] { return seen >= 0; }));
  CHECK(seen == 50);
  other.join();
}

FIBER_TEST("questions to the runtime and gosched work from a thread") {
  std::thread other([] {
    CHECK(runtime::num_fibers() == 1);
    CHECK(runtime::max_procs() == support::width());
    runtime::gosched();
    time::sleep(100us);
    CHECK(panic_of([] { panic("on a thread"); }) == "on a thread");
    CHECK(panic_of([] { sync::wait_group().done(); }) == "sync: negative WaitGroup counter");
  });
  other.join();
}

FIBER_TEST("a thread waits with a time-out, and a fiber ends the wait of another") {
  sync::mutex mu;
  sync::wait_group wg;
  mu.lock();
  wg.add(1);
  std::atomic<int> ready = 0;
  std::thread other([&] {
    CHECK(!mu.try_lock_for(2ms));
    CHECK(!wg.wait_for(2ms));
    ++ready;
    CHECK(mu.try_lock_for(1h));
    CHECK(wg.wait_for(1h));
    mu.unlock();
  });
  CHECK(eventually([&] { return ready == 1; }));
  mu.unlock();
  wg.done();
  other.join();
  CHECK(mu.try_lock());
  mu.unlock();
}

PLAIN_TEST("threads may come and go by the hundred, each with its own waits") {
  sync::mutex mu;
  sync::wait_group wg;
  int count = 0;  // guarded by mu
  const int rounds = support::scale(40) < 5 ? 5 : support::scale(40);
  for (int round = 0; round < rounds; ++round) {
    std::vector<std::thread> threads;
    wg.add(10);
    auto ch = make_chan<int>();
    for (int i = 0; i < 5; ++i) {
      threads.emplace_back([&, i] {
        ch << i;
        {
          const std::scoped_lock lock(mu);
          ++count;
        }
        wg.done();
      });
      threads.emplace_back([&] {
        ch.recv();
        {
          const std::scoped_lock lock(mu);
          ++count;
        }
        wg.done();
      });
    }
    wg.wait();
    for (std::thread& t : threads) {
      t.join();
    }
  }
  CHECK(count == rounds * 10);
}
