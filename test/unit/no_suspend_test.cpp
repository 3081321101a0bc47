// no_suspend: what would park panics, and names the scope; and so it does on a worker's own stack, in every build.
#include <atomic>
#include <boost/asio/post.hpp>
#include <mutex>
#include <string>
#include <vector>

#include "gossamer/asio.hpp"
#include "gossamer/conc.hpp"
#include "gossamer/rate.hpp"
#include "gossamer/semaphore.hpp"
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
  semaphore::weighted tokens{1};
  rate::limiter limiter{1, 1};
  int elements_done = 0;
  things() {
    static_cast<void>(tokens.try_acquire(1));
    static_cast<void>(limiter.allow());
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
  // What they wait by is a matter of theirs.
  const auto panics = [&](auto f) { wrong += panic_of(f).starts_with("no_suspend: ") ? 0 : 1; };
  panics([&] { static_cast<void>(t.tokens.acquire(context::background(), 1)); });
  panics([&] { static_cast<void>(t.limiter.wait(context::background())); });
  panics([&] {
    const std::vector<int> some(100);
    conc::for_each(some, [&](int) { ++t.elements_done; });
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
  t.tokens.release(1);
  const bool has_token = t.tokens.try_acquire(1);
  go([&] { t.ch << 7; });
  return *t.ch == 7 && has_token && t.elements_done == 0 && t.limiter.tokens() > -0.5;
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
