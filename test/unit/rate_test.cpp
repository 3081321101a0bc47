// rate (docs/go-semantics.md, RA1 to RA7): with injected time, against a simple model, and waiting for real.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "inside.hpp"

using namespace gossamer;
using support::crew;
using support::panic_of;
using support::scale;

namespace {

// The tick of the tables: 100 ms.
const time::time_point epoch{1000s};
time::time_point t(int n) { return epoch + n * 100ms; }

struct allow_step {
  int at;
  int n;
  bool ok;
};
bool runs(rate::limiter& lim, const std::vector<allow_step>& steps) {
  bool right = true;
  for (const auto& s : steps) {
    right = right && lim.allow_n_at(t(s.at), s.n) == s.ok;
  }
  return right;
}
// When the n tokens may be used, in ticks; -1: never.
int act(rate::limiter& lim, int at, int n, rate::reservation* kept = nullptr) {
  const auto r = lim.reserve_n_at(t(at), n);
  if (kept != nullptr) {
    *kept = r;
  }
  return r.ok() ? static_cast<int>((r.delay_from(epoch) + 1ms) / 100ms) : -1;
}

}  // namespace

FIBER_TEST("RA1: a bucket of three at ten a second; time that goes backwards adds nothing") {
  rate::limiter one(10, 1);
  CHECK(runs(one,
             {{0, 1, true}, {0, 1, false}, {0, 1, false}, {1, 1, true}, {1, 1, false}, {2, 2, false}, {2, 1, true}}));
  rate::limiter three(10, 3);
  CHECK(runs(three, {{0, 2, true},
                     {0, 2, false},
                     {0, 1, true},
                     {0, 1, false},
                     {1, 4, false},
                     {2, 1, true},
                     {3, 1, true},
                     {4, 1, true},
                     {4, 1, true},
                     {4, 1, false},
                     {9, 3, true},
                     {9, 1, false}}));
  rate::limiter back(10, 3);
  CHECK(runs(back, {{1, 1, true},
                    {0, 1, true},
                    {0, 1, true},
                    {0, 1, false},
                    {0, 1, false},
                    {1, 1, false},  // Go's: true, since there its time goes back, and comes once more
                    {2, 1, true},
                    {2, 1, false},
                    {3, 1, true},
                    {3, 1, false}}));
  rate::limiter nothing;
  CHECK(runs(nothing, {{0, 1, false}, {0, 0, true}, {10, 1, false}}));
}

FIBER_TEST("RA2: a reservation says when; more than the burst is not ok and changes nothing") {
  rate::limiter lim(10, 2);
  CHECK(act(lim, 0, 2) == 0);
  CHECK(act(lim, 0, 2) == 2);
  CHECK(act(lim, 3, 2) == 4);
  rate::limiter full(10, 2);
  const auto none = full.reserve_n_at(t(0), 3);
  CHECK(!none.ok());
  CHECK(none.delay_from(t(0)) == rate::inf_duration);
  none.cancel_at(t(0));
  CHECK(full.tokens_at(t(0)) == 2);
  CHECK(act(full, 0, 2) == 0);
  rate::limiter back(10, 2);
  CHECK(act(back, 1, 2) == 1);
  CHECK(act(back, 0, 2) == 2);
  CHECK(act(back, 0, 2) == 4);
  const auto r = back.reserve_n_at(t(5), 0);
  CHECK(r.ok());
}

FIBER_TEST("RA3: cancel gives back what later reservations have not used") {
  rate::reservation r, none;
  rate::limiter last(10, 2);
  act(last, 0, 2);
  act(last, 0, 1, &r);
  r.cancel_at(t(0));  // nobody has reserved since
  CHECK(act(last, 0, 1) == 1);
  rate::limiter many(10, 2);
  act(many, 0, 2);
  act(many, 0, 2, &r);
  CHECK(act(many, 0, 1) == 3);
  r.cancel_at(t(0));  // of its two, one is counted on by the later reservation
  CHECK(act(many, 1, 2) == 4);
  rate::limiter gone(10, 2);
  act(gone, 0, 2, &r);
  r.cancel_at(t(1));  // its time has come
  CHECK(act(gone, 1, 2) == 2);
  rate::limiter twice(10, 10);
  act(twice, 0, 5, &none);
  act(twice, 0, 5, &r);
  r.cancel_at(t(0));
  CHECK(twice.tokens_at(t(0)) == 5);
}

FIBER_TEST("whatever comes with an earlier time, nothing is added twice") {
  const auto after = [](auto back) {
    rate::limiter lim(10, 100);
    CHECK(lim.allow_n_at(t(50), 99));
    back(lim);
    return lim.tokens_at(t(51));
  };
  CHECK(after([](auto&) {}) == 2);
  CHECK(after([](auto& lim) { CHECK(lim.allow_n_at(t(10), 1)); }) == 1);
  CHECK(after([](auto& lim) { static_cast<void>(lim.reserve_n_at(t(10), 3)); }) == -1);
  CHECK(after([](auto& lim) { lim.reserve_n_at(t(50), 5).cancel_at(t(20)); }) == 2);
  CHECK(after([](auto& lim) { lim.set_limit_at(t(20), 10); }) == 2);
  CHECK(after([](auto& lim) { lim.set_burst_at(t(0), 100); }) == 2);
}

FIBER_TEST("who cancels all reservations, in any order, has all tokens back, whatever the limit") {
  base::rng random{1};
  int wrong = 0;
  for (const double limit : {0.3, 1.0, 3.0, 7.0, 10.0, 60.0, 3333.0, 1e6, 7e9}) {
    for (const int n : {1, 3, 50, 500}) {
      for (int order = 0; order < 3; ++order) {
        rate::limiter lim(limit, 3);
        std::vector<rate::reservation> all;
        for (int i = 0; i < n; ++i) {
          all.push_back(lim.reserve_n_at(t(0), 1 + i % 3));
        }
        while (!all.empty()) {
          const std::size_t last = all.size() - 1;
          const std::size_t at = order == 0   ? last
                                 : order == 1 ? 0
                                              : random.below(static_cast<std::uint32_t>(last + 1));
          all[at].cancel_at(t(0));
          all.erase(all.begin() + static_cast<std::ptrdiff_t>(at));
        }
        wrong += std::abs(lim.tokens_at(t(0)) - 3) > 1e-6;
      }
    }
  }
  CHECK(wrong == 0);
}

FIBER_TEST("waiters that give up leave nothing behind") {
  rate::limiter lim(0.001, 1);  // none of them gets what it waits for
  const auto [ctx, cancel] = context::with_cancel(context::background());
  crew all;
  CHECK(lim.allow());
  for (int i = 0; i < 50; ++i) {
    all.go([&] { CHECK(lim.wait(ctx) == context::canceled); });
  }
  CHECK(support::await_parked(wait_reason::sleep, 50));
  cancel();
  all.join();
  CHECK(lim.tokens() > -1e-6);
}

FIBER_TEST("a reservation is cancelled once, and so are its copies, whatever has been reserved or cancelled since") {
  rate::limiter lim(10, 5);
  CHECK(lim.allow_n_at(t(0), 5));
  const auto first = lim.reserve_n_at(t(0), 3);
  const auto second = lim.reserve_n_at(t(0), 1);
  const auto copy = first;
  const auto near = [&](double wanted, int at = 0) { return std::abs(lim.tokens_at(t(at)) - wanted) < 1e-6; };
  first.cancel_at(t(0));
  CHECK(near(-2));  // second counts on one of them
  copy.cancel_at(t(0));
  first.cancel_at(t(0));
  CHECK(near(-2));
  second.cancel_at(t(0));
  CHECK(near(0));
  second.cancel_at(t(0));
  first.cancel_at(t(1));
  copy.cancel_at(t(0));
  CHECK(near(1, 1));
}

PLAIN_TEST("many threads that ask and change the burst get no more than the limit, and no less") {
  run([] {
    constexpr double limit = 20000;
    constexpr int burst = 1'000'000'000;  // it never overflows
    rate::limiter lim(limit, burst);
    std::atomic<bool> over = false;
    std::atomic<long> allowed = 0;
    std::vector<std::thread> all;
    const auto begin = time::now();
    CHECK(lim.allow_n(burst));
    const auto emptied = time::now();
    for (int i = 0; i < 24; ++i) {
      all.emplace_back([&, i] {
        while (!over) {
          if (i % 4 == 0) {
            lim.set_burst(burst);
          } else {
            allowed += lim.allow();
          }
        }
      });
    }
    time::sleep(300ms);
    over = true;
    runtime::blocking([&] {
      for (auto& one : all) {
        one.join();
      }
    });
    const auto before = time::now();
    const double all_there_were = static_cast<double>(allowed) + lim.tokens();
    const auto after = time::now();
    const auto seconds = [](auto d) { return std::chrono::duration<double>(d).count(); };
    CHECK(all_there_were <= limit * seconds(after - begin) + 1);
    CHECK(all_there_were >= limit * seconds(before - emptied) - 1);
  });
}

FIBER_TEST("RA4: set_limit and set_burst count from now on and leave what is reserved") {
  rate::limiter lim(10, 2);
  act(lim, 0, 2);
  lim.set_limit_at(t(1), 20);  // one token by then
  CHECK(std::abs(lim.tokens_at(t(2)) - 2) < 1e-9);
  CHECK(lim.limit() == 20);
  rate::limiter other(10, 2);
  CHECK(act(other, 0, 2) == 0);
  other.set_burst_at(t(3), 4);
  CHECK(other.burst() == 4);
  CHECK(std::abs(other.tokens_at(t(4)) - 3) < 1e-9);
  CHECK(act(other, 4, 4) == 5);
  other.set_burst_at(t(20), 1);
  CHECK(other.tokens_at(t(20)) == 1);
}

FIBER_TEST("RA5: wait fails at once where the burst or the deadline is too small, with Go's text") {
  rate::limiter lim(rate::every(1h), 3);
  const auto& background = context::background();
  CHECK(lim.wait_n(background, 4).text() == "rate: Wait(n=4) exceeds limiter's burst 3");
  CHECK(!lim.wait_n(background, 3));
  auto [soon, cancel_soon] = context::with_timeout(background, support::patience);
  const error late = lim.wait_n(soon, 3);
  CHECK(late.text() == "rate: Wait(n=3) would exceed context deadline");
  CHECK(!soon.err());
  cancel_soon();
  auto [ended, cancel_ended] = context::with_cancel(background);
  cancel_ended();
  CHECK(lim.wait(ended) == context::canceled);
  CHECK(panic_of([&] { lim.wait(nil); }) == "runtime error: invalid memory address or nil pointer dereference");
}

FIBER_TEST("wait comes when the tokens do, and gives them back if its context ends first") {
  rate::limiter lim(rate::every(2ms), 1);
  const auto begin = time::now();
  for (int i = 0; i < 5; ++i) {
    CHECK(!lim.wait(context::background()));
  }
  CHECK(time::since(begin) >= 8ms - 1us);
  rate::limiter slow(rate::every(1h), 2);
  CHECK(slow.allow_n(2));
  auto [ctx, cancel] = context::with_cancel(context::background());
  crew all;
  std::atomic<bool> ended = false;
  all.go([&, c = ctx] { ended = slow.wait_n(c, 2) == context::canceled; });
  CHECK(support::await_parked(wait_reason::sleep, 1));
  CHECK(slow.tokens() < -1.9);
  cancel();
  all.join();
  CHECK(ended);
  CHECK(slow.tokens() > -0.1);
}

FIBER_TEST("RA6: an infinite limit ignores the burst; limit 0 serves the initial burst only") {
  rate::limiter lim(rate::inf, 0);
  CHECK(runs(lim, {{0, 1, true}, {0, 1000000, true}}));
  CHECK(act(lim, 3, 5) == 3);
  CHECK(!lim.wait_n(context::background(), 100));
  lim.set_limit_at(t(3), 10);
  CHECK(!lim.allow_n_at(t(3), 1));
  rate::limiter zero(0, 2);
  CHECK(runs(zero, {{0, 1, true}, {0, 2, false}, {0, 1, true}, {1000, 1, false}}));
  CHECK(act(zero, 1000, 1) == -1);
  CHECK(rate::every(0s) == rate::inf);
  CHECK(rate::every(-1s) == rate::inf);
  CHECK(rate::every(100ms) == doctest::Approx(10));
  CHECK(zero.wait(context::background()).text() == "rate: Wait(n=1) would exceed context deadline");
}

FIBER_TEST("RA7: sometimes makes the first calls, every n-th one, and one an interval") {
  const auto calls_of = [](rate::sometimes& s, int n, time::duration step) {
    std::string made;
    auto now = epoch;
    for (int i = 0; i < n; ++i, now += step) {
      s.do_at([&] { return now; }, [&] { made += static_cast<char>('0' + i); });
    }
    return made;
  };
  rate::sometimes zero, first{.first = 2}, every{.every = 3}, mixed{.first = 3, .every = 4}, interval{.interval = 1s},
      all{.first = 2, .every = 5, .interval = 3s};
  CHECK(calls_of(zero, 10, 1s) == "0");
  CHECK(calls_of(first, 10, 1s) == "01");
  CHECK(calls_of(every, 10, 1s) == "0369");
  CHECK(calls_of(mixed, 10, 1s) == "01248");
  CHECK(calls_of(interval, 10, 400ms) == "0369");
  CHECK(calls_of(all, 10, 1s) == "01458");
  // From the first point of a clock to its last it is further than any duration.
  rate::sometimes wide{.interval = time::duration::max()};
  std::string made;
  for (const auto now : {time::time_point::min(), time::time_point::min() + 1s, time::time_point::max()}) {
    wide.do_at([&] { return now; }, [&] { made += now == time::time_point::max() ? '+' : '-'; });
  }
  CHECK(made == "-+");
  int n = 0;
  rate::sometimes real{.first = 1};
  real.do_([&] { ++n; });
  real.do_([&] { ++n; });
  CHECK(n == 1);
}

// ---- the model ------------------------------------------------------------------------------------------------------

namespace {

// Whole tokens are 10^9 units, the limit is whole tokens a second, times are whole nanoseconds: exact integers.
struct model {
  std::int64_t limit, burst, units, last;

  void advance(std::int64_t now) {
    if (now > last) {
      const std::int64_t room = burst * 1'000'000'000 - units;
      const std::int64_t full_in = limit > 0 ? room / limit + 1 : 0;
      units = std::min(burst * 1'000'000'000, units + limit * std::min(now - last, full_in));
    }
    units = std::min(units, burst * 1'000'000'000);
  }
  // Nanoseconds until the n tokens are there; -1: never.
  std::int64_t take(std::int64_t now, std::int64_t n, bool may_wait) {
    model next = *this;
    next.advance(now);
    next.last = std::max(last, now);
    next.units -= n * 1'000'000'000;
    if (n > burst || (next.units < 0 && (!may_wait || limit == 0))) {
      return -1;
    }
    *this = next;
    return units < 0 ? -units / limit : 0;
  }
};

}  // namespace

PLAIN_TEST("RA1, RA2: random programs give what exact arithmetic gives") {
  int wrong = 0;
  for (int program = 0; program < scale(2000); ++program) {
    base::rng random{static_cast<std::uint64_t>(program) + 1};
    // Limits that divide 10^9, and times of whole tokens: floating point is exact enough never to differ by a token.
    const std::int64_t limits[] = {1, 2, 5, 10, 100, 1000};
    model m{limits[random.below(6)], 1 + random.below(8), 0, epoch.time_since_epoch().count()};
    m.units = m.burst * 1'000'000'000;
    rate::limiter lim(static_cast<double>(m.limit), static_cast<int>(m.burst));
    CHECK(lim.allow_n_at(epoch, 0));
    std::int64_t now = m.last;
    for (int i = 0; i < 60; ++i) {
      const std::int64_t step = 1'000'000'000 / m.limit;
      now += step * (static_cast<std::int64_t>(random.below(6)) - (random.below(8) == 0 ? 4 : 0));
      const time::time_point at{time::duration(now)};
      const auto n = static_cast<int>(random.below(static_cast<std::uint32_t>(m.burst) + 3));
      switch (random.below(6)) {
        case 0:
        case 1:
        case 2:
          wrong += lim.allow_n_at(at, n) != (m.take(now, n, false) >= 0);
          break;
        case 3: {
          const auto r = lim.reserve_n_at(at, n);
          const std::int64_t wait = m.take(now, n, true);
          wrong += r.ok() != (wait >= 0);
          wrong += r.ok() && std::abs(r.delay_from(at).count() - wait) > 2;
          break;
        }
        case 4:
          m.advance(now);
          m.last = std::max(m.last, now);
          m.burst = 1 + random.below(8);
          lim.set_burst_at(at, static_cast<int>(m.burst));
          break;
        case 5: {
          model copy = m;
          copy.advance(now);
          wrong += std::abs(lim.tokens_at(at) - static_cast<double>(copy.units) / 1e9) > 1e-6;
          break;
        }
      }
    }
  }
  CHECK(wrong == 0);
}

FIBER_TEST("many fibers take no more tokens than there are") {
  rate::limiter lim(1000, 50);
  std::atomic<int> taken = 0;
  crew all;
  for (int f = 0; f < 8; ++f) {
    all.go([&] {
      for (int i = 0; i < 100; ++i) {
        taken += lim.allow_n_at(t(i % 10), 1);
      }
    });
  }
  all.join();
  CHECK(taken >= 50);
  CHECK(lim.tokens_at(t(0)) <= 50);
}
