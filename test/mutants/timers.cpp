// Timers that are stopped, reset and dropped at about the time when they fire, near ones and far ones. Kills: an entry
// that is left in the heap or in its wheel, or fires although its timer was turned on; a time from before that is
// received after; a start that is lost; a tick that another worker has overtaken.
#include <atomic>
#include <chrono>
#include <vector>

#include "check.hpp"
#include "gossamer/detail/select_core.hpp"

namespace {

using namespace gossamer;
using check::expect;

constexpr auto duration = 700ms;

bool received_now(const recv_chan<time::time_point>& c, time::time_point& v) {
  detail::select_op op{.channel = detail::access::core(c), .value = &v};
  return detail::chan_select({.ops = &op, .n = 1, .blocks = false, .where = {}}) == 0 && op.ok;
}

// Nobody else receives: what comes is of the last reset.
void channels(std::uint64_t seed) {
  base::rng r(seed);
  const time::timer t(1h);
  const time::ticker k(1h);
  time::time_point v;
  for (const auto end = check::clock::now() + duration; check::clock::now() < end;) {
    const auto d = std::chrono::microseconds(1 + r.below(60));
    t.stop();
    expect(!received_now(t.c, v), "nothing is received after stop");
    const auto begin = time::now();
    t.reset(d);
    k.reset(d);
    time::sleep(check::up_to(r, 90));
    expect(!received_now(k.c, v) || v >= begin + d, "a tick is not from before the reset");
    if (r.below(2) == 0) {
      expect(*t.c >= begin + d, "a time is not from before the reset");
      expect(!t.stop(), "what was received is not running");
    }
  }
}

// Each start of an after_func is called or prevented.
void calls(std::uint64_t seed) {
  std::atomic<int> called{0};
  std::atomic<int> started{1};
  std::atomic<int> prevented{0};
  const auto t = time::after_func(10us, [&] { ++called; });
  sync::wait_group others;
  others.add(3);
  for (std::uint64_t n = 0; n < 3; ++n) {
    go([&, n] {
      base::rng r(seed + n);
      for (const auto end = check::clock::now() + duration; check::clock::now() < end;) {
        const bool restart = r.below(2) == 0;
        started += restart ? 1 : 0;
        prevented += (restart ? t.reset(check::up_to(r, 50)) : t.stop()) ? 1 : 0;
        time::sleep(check::up_to(r, 60));
      }
      others.done();
    });
  }
  others.wait();
  prevented += t.stop() ? 1 : 0;
  for (int i = 0; i < 2000 && called + prevented != started; ++i) {
    time::sleep(1ms);
  }
  expect(called + prevented == started, "each start is called or prevented, not both");
}

void drop(std::uint64_t seed) {
  base::rng r(seed);
  for (const auto end = check::clock::now() + duration; check::clock::now() < end;) {
    std::vector<time::timer> some;
    for (int i = 0; i < 8; ++i) {
      some.emplace_back(check::up_to(r, 100));
    }
    time::sleep(check::up_to(r, 100));
  }
}

// Far enough for the wheel, and back.
void far(std::uint64_t seed) {
  base::rng r(seed);
  std::vector<time::timer> some;
  for (int i = 0; i < 8; ++i) {
    some.emplace_back(1h);
  }
  for (const auto end = check::clock::now() + duration; check::clock::now() < end;) {
    const time::timer& t = some[r.below(8)];
    t.stop();
    const auto d = std::chrono::microseconds(2000 + r.below(2000));
    const auto begin = time::now();
    t.reset(d);
    if (r.below(2) == 0) {
      expect(*t.c >= begin + d, "a time is not from before the reset");
      expect(!t.stop(), "what was received is not running");
    } else {
      time::sleep(std::chrono::microseconds(r.below(4) == 0 ? 2000 + r.below(2000) : r.below(50)));
      some[r.below(8)] = time::timer(check::up_to(r, 4000));
    }
  }
}

void ticks(std::uint64_t seed) {
  base::rng r(seed);
  const time::ticker k(std::chrono::microseconds(1 + r.below(20)));
  time::time_point last = *k.c;
  for (const auto end = check::clock::now() + duration; check::clock::now() < end;) {
    const time::time_point next = *k.c;
    expect(next > last, "ticks do not go back");
    last = next;
  }
}

// A call is due though nobody holds its timer any more, or just not.
void calls_of_dropped(std::uint64_t seed) {
  base::rng r(seed);
  std::atomic<long> called{0};
  long started = 0;
  for (const auto end = check::clock::now() + duration; check::clock::now() < end;) {
    const auto d = check::up_to(r, r.below(64) == 0 ? 4000 : 60);
    const auto until = time::now() + d;
    ++started;
    const auto t = time::after_func(d, [&] { ++called; });
    if (r.below(4) != 0) {
      while (time::now() < until) {
        runtime::gosched();
      }
    }
  }
  for (int i = 0; i < 2000 && called != started; ++i) {
    time::sleep(1ms);
  }
  expect(called == started, "a timer that was dropped calls its function");
}

}  // namespace

int main() {
  for (const int procs : {2, 4}) {
    run(
        [] {
          sync::wait_group all;
          for (std::uint64_t i = 0; i < 4; ++i) {
            for (auto* f : {&channels, &calls, &drop, &far, &ticks, &calls_of_dropped}) {
              all.add(1);
              go([&all, f, i] {
                f(1000 * i);
                all.done();
              });
            }
          }
          all.wait();
        },
        {.procs = procs});
  }
}
