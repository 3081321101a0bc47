// no_suspend: what would park panics, and names the scope; and so it does on a worker's own stack, in every build.
#include <atomic>
#include <boost/asio/post.hpp>
#include <mutex>
#include <string>

#include "gossamer/asio.hpp"
#include "inside.hpp"

using namespace gossamer;
using support::eventually;
using support::panic_of;

namespace {

// What blocks, and what each is called.
struct things {
  chan<int> ch = make_chan<int>();
  sync::mutex held;
  sync::rw_mutex read;
  sync::wait_group one;
  sync::mutex own;
  sync::cond cond;
  things() {
    held.lock();
    read.r_lock();
    one.add(1);
  }
};

// Counts what does not panic as it should.
int wrong_panics(things& t, const std::string& name) {
  int wrong = 0;
  const auto check = [&](const char* reason, auto f) {
    const std::string text = panic_of(f);
    wrong += text == std::string("no_suspend: ") + reason + " would block inside \"" + name + "\"" ? 0 : 1;
  };
  chan<int> never;
  check("chan receive", [&] { t.ch.recv(); });
  check("chan send", [&] { t.ch << 1; });
  check("chan receive (nil chan)", [&] { never.recv(); });
  check("select", [&] { select(recv(t.ch, std::ignore), recv(never, std::ignore)); });
  check("sync.Mutex.Lock", [&] { t.held.lock(); });
  check("sync.RWMutex.Lock", [&] { t.read.lock(); });
  check("sync.WaitGroup.Wait", [&] { t.one.wait(); });
  check("sleep", [&] { time::sleep(1ms); });
  check("sync.Cond.Wait", [&] {
    const std::scoped_lock hold(t.own);
    t.cond.wait(t.own);
  });
  return wrong;
}

// Every object is as it was, and can be used.
bool still_work(things& t) {
  go([&] { t.held.unlock(); });
  t.held.lock();
  t.held.unlock();
  t.read.r_unlock();
  t.read.lock();
  t.read.unlock();
  go([&] { t.one.done(); });
  t.one.wait();
  go([&] { t.ch << 7; });
  return *t.ch == 7;
}

}  // namespace

#ifndef NDEBUG
FIBER_TEST("in a no_suspend what would park panics by name, and what need not park works") {
  things t;
  {
    const runtime::no_suspend outer{"outer"};
    CHECK(wrong_panics(t, "outer") == 0);
    {
      const runtime::no_suspend inner{"inner"};
      CHECK(panic_of([&] { t.ch.recv(); }) == "no_suspend: chan receive would block inside \"inner\"");
    }
    CHECK(panic_of([&] { t.ch.recv(); }) == "no_suspend: chan receive would block inside \"outer\"");
    auto buffered = make_chan<int>(1);
    buffered << 1;
    CHECK(*buffered == 1);
    std::atomic<bool> ran = false;
    go([] {});
    runtime::gosched();
    ran = true;
    CHECK(ran);
  }
  CHECK(still_work(t));
}
#endif

FIBER_TEST("a no_suspend in which nothing blocks is nothing") {
  {
    const runtime::no_suspend scope{"quiet"};
    auto buffered = make_chan<int>(1);
    buffered << 1;
    CHECK(*buffered == 1);
  }
  auto ch = make_chan<int>();
  go([ch] { ch << 2; });
  CHECK(*ch == 2);
}

FIBER_TEST("on a worker's own stack what would park panics by the handler's name") {
  things t;
  std::atomic<int> wrong = -1;
  boost::asio::post(runtime::io_context(), [&] { wrong = wrong_panics(t, "a handler of the io_context"); });
  CHECK(eventually([&] { return wrong >= 0; }));
  CHECK(wrong == 0);
  CHECK(still_work(t));
}
