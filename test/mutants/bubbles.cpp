// Bubbles, several at once, whose fibers compute, sleep, and wait for each other and for their clock in every way that
// is durable; each knows to the nanosecond what time it must be. Kills: a fiber that is counted out, in, or at its
// start or end when it should not, or not when it should; a clock that moves on beside who runs, or once main has
// ended, or past a deadline; a wait() that returns too early; a timer that keeps what it had when its bubble has
// ended.
#include <gossamer/synctest.hpp>

#include <atomic>
#include <memory>
#include <string>

#include "check.hpp"

namespace {

using namespace gossamer;
using namespace std::chrono_literals;
using check::expect;

std::chrono::nanoseconds span(base::rng& r) {
  return std::chrono::nanoseconds(1 + r.below(r.below(8) == 0 ? 4'000'000'000 : 300));
}

// A wait for that time, in one of the ways.
void wait_for(std::chrono::nanoseconds d, std::uint32_t way) {
  switch (way) {
    case 0:
      time::sleep(d);
      break;
    case 1: {
      int v = 0;
      expect(make_chan<int>().recv_until(d, v) == channel_status::ended, "nobody sends");
      break;
    }
    case 2: {
      sync::wait_group wg;
      wg.go([=] { time::sleep(d); });
      wg.wait();
      break;
    }
    case 3: {
      sync::mutex mu;
      sync::cond c;
      bool ready = false;
      const auto ended = make_chan<void>();
      go([&, ended] {
        time::sleep(d);
        mu.lock();
        ready = true;
        c.signal();
        mu.unlock();
        close(ended);
      });
      mu.lock();
      while (!ready) {
        c.wait(mu);
      }
      mu.unlock();
      ended.recv();
      break;
    }
    case 4: {
      const auto ch = make_chan<void>();
      time::after_func(d, [=] { close(ch); });
      ch.recv();
      break;
    }
    case 5:
      select(recv(time::after(d), [](time::time_point) {}), recv(make_chan<int>(), [](int) {}));
      break;
    default: {
      const auto [ctx, cancel] = context::with_timeout(context::background(), d);
      ctx.done().recv();
      break;
    }
  }
}

void one_bubble(std::uint64_t seed, int fibers, int steps) {
  const auto held = std::make_shared<int>(0);
  synctest::test([&] {
    std::atomic<int> computing{0};
    std::atomic<int> left{fibers};
    for (int i = 0; i < fibers; ++i) {
      go([&, r = base::rng(seed * 1000 + static_cast<std::uint64_t>(i))]() mutable {
        auto at = time::now();
        for (int s = 0; s < steps; ++s) {
          ++computing;
          if (r.below(16) == 0) {
            check::burn(check::up_to(r, 20));
          }
          for (std::uint32_t k = r.below(4); k != 0; --k) {
            const auto ch = make_chan<int>();
            go([=] { ch << 1; });
            ch.recv();
          }
          expect(time::now() == at, "the clock stands still while a fiber can run");
          --computing;
          const auto d = span(r);
          at += d;
          wait_for(d, r.below(7));
          expect(time::now() == at, "a wait ends at its time, to the nanosecond");
        }
        --left;
      });
    }
    base::rng r(seed);
    while (left > 0) {
      bool called = false;
      const auto t = time::after_func(0s, [&] { called = true; });
      synctest::wait();
      expect(called, "what is due comes before who waits");
      expect(computing == 0, "wait returns when all others are blocked");
      time::sleep(span(r));
    }
    time::after_func(1h, [held] {});
  });
  expect(held.use_count() == 1, "what a timer had that does not come is gone");
}

std::string panic_of_a_deadlock() {
  try {
    synctest::test([] { go([] { time::sleep(1h); }); });
  } catch (const panic_error& p) {
    return p.text();
  }
  return "";
}

}  // namespace

int main() {
  for (const int procs : {1, 2, 4}) {
    run(
        [] {
          sync::wait_group all;
          for (std::uint64_t i = 1; i <= 6; ++i) {
            all.go([i] { one_bubble(i, i == 1 ? 300 : 12, i == 1 ? 5 : 60); });
          }
          all.wait();
        },
        {.procs = procs});
  }
  return run([] {
    expect(panic_of_a_deadlock() == "deadlock: main bubble goroutine has exited but blocked goroutines remain",
           "the clock stands still once main has ended");
  });
}
