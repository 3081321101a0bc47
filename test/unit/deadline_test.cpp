// Deadlines and durations at the ends of their ranges, of any clock and representation, in every call that takes one.
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <ratio>
#include <type_traits>

#include <gossamer/conc.hpp>
#include <gossamer/context.hpp>
#include <gossamer/errgroup.hpp>
#include <gossamer/io/wait.hpp>
#include <gossamer/net.hpp>
#include <gossamer/os/command.hpp>
#include <gossamer/singleflight.hpp>

#include "inside.hpp"
#include "net_pair.hpp"

using namespace gossamer;
using namespace std::chrono;
using gossamer::detail::long_ago;
using gossamer::detail::no_deadline;
using gossamer::detail::saturated_nanoseconds;
using gossamer::detail::to_deadline;

namespace {

// A clock that counts days since long before the others began, as astronomers do.
struct julian_clock {
  using rep = double;
  using period = std::ratio<86400>;
  using duration = std::chrono::duration<rep, period>;
  using time_point = std::chrono::time_point<julian_clock>;
  [[maybe_unused]] static constexpr bool is_steady = false;
  static time_point now() noexcept {
    return time_point(duration(system_clock::now().time_since_epoch()) + duration(2440587.5));
  }
};
// The same in whole seconds: more than fit into 64 bits of nanoseconds.
struct old_clock {
  using rep = std::int64_t;
  using period = std::ratio<1>;
  using duration = seconds;
  using time_point = std::chrono::time_point<old_clock>;
  [[maybe_unused]] static constexpr bool is_steady = false;
  static time_point now() noexcept {
    return time_point(floor<seconds>(system_clock::now().time_since_epoch()) + seconds(210866803200));
  }
};
// Ticks of video, and of a counter that has no sign.
struct tick_clock {
  using rep = std::uint64_t;
  using period = std::ratio<1, 90000>;
  using duration = std::chrono::duration<rep, period>;
  using time_point = std::chrono::time_point<tick_clock>;
  [[maybe_unused]] static constexpr bool is_steady = true;
  static time_point now() noexcept { return time_point(duration(std::uint64_t{90000} * 5'000'000'000)); }
};

template <class Visit>
void each_long_past(Visit visit) {
  visit(system_clock::time_point::min());
  visit(time_point<system_clock, hours>(hours::min()));
  visit(time_point<system_clock, days>(days::min()));
  visit(
      time_point<system_clock, duration<std::int8_t, std::ratio<3600>>>(duration<std::int8_t, std::ratio<3600>>(-128)));
  visit(time_point<system_clock, duration<double>>(duration<double>(-1e300)));
  visit(time_point<system_clock, duration<float>>(duration<float>(-std::numeric_limits<float>::infinity())));
  visit(time_point<steady_clock, hours>(hours::min()));
  visit(steady_clock::time_point::min());
  visit(steady_clock::time_point());
  visit(julian_clock::time_point());
  visit(julian_clock::time_point::min());
  visit(old_clock::time_point());
  visit(old_clock::time_point::min());
  visit(tick_clock::time_point());
  visit(file_clock::time_point::min());
}
template <class Visit>
void each_far_future(Visit visit) {
  visit(system_clock::time_point::max());
  visit(time_point<system_clock, hours>(hours::max()));
  visit(time_point<system_clock, duration<std::uint64_t, std::milli>>(duration<std::uint64_t, std::milli>::max()));
  visit(time_point<system_clock, duration<double>>(duration<double>(1e300)));
  visit(time_point<system_clock, duration<double>>(duration<double>(std::nan(""))));
  visit(time_point<steady_clock, hours>(hours::max()));
  visit(steady_clock::time_point::max());
  visit(julian_clock::time_point::max());
  visit(old_clock::time_point::max());
  visit(tick_clock::time_point::max());
}
template <class Visit>
void each_negative(Visit visit) {
  visit(nanoseconds::min());
  visit(hours::min());
  visit(duration<std::int8_t, std::ratio<86400>>(-128));
  visit(duration<double, std::atto>(-1e300));
  visit(duration<float>(-std::numeric_limits<float>::infinity()));
  visit(duration<int, std::exa>(-1));
}

// Near enough: some seconds of the clocks' own steps.
bool is_about(nanoseconds a, nanoseconds b) { return a > b - 60s && a < b + 60s; }

}  // namespace

PLAIN_TEST("a duration becomes the nearest whole nanoseconds that are not less, at whatever size and step") {
  static_assert(saturated_nanoseconds(hours::max()) == nanoseconds::max());
  static_assert(saturated_nanoseconds(hours::min()) == nanoseconds::min());
  static_assert(saturated_nanoseconds(duration<std::uint64_t, std::nano>(~std::uint64_t{0})) == nanoseconds::max());
  static_assert(saturated_nanoseconds(duration<std::int64_t, std::ratio<1, 90000>>(90'000'000'000'000)) ==
                1'000'000'000s);
  static_assert(saturated_nanoseconds(duration<std::int8_t, std::ratio<3600>>(-128)) == -128h);
  static_assert(saturated_nanoseconds(duration<std::uint8_t>(255)) == 255s);
  static_assert(saturated_nanoseconds(duration<int, std::pico>(1)) == 1ns);
  static_assert(saturated_nanoseconds(duration<int, std::pico>(-1999)) == -1ns);
  static_assert(saturated_nanoseconds(duration<int, std::atto>(1)) == 1ns);
  static_assert(saturated_nanoseconds(duration<int, std::exa>(1)) == nanoseconds::max());
  CHECK(saturated_nanoseconds(duration<double>(0.1)) == 100ms);
  CHECK(saturated_nanoseconds(duration<float>(0.1F)) == 100ms);
  CHECK(saturated_nanoseconds(duration<double, std::nano>(0.5)) == 1ns);
  CHECK(saturated_nanoseconds(duration<double, std::nano>(-0.5)) == 0ns);
  // 2^63 ns from below: the product is rounded up to it.
  CHECK(saturated_nanoseconds(duration<double>(9223372036.854775)) > nanoseconds(9223372036'000000000));
  CHECK(saturated_nanoseconds(duration<float>(9223372036.F)) == nanoseconds::max());
  CHECK(saturated_nanoseconds(duration<double>(std::numeric_limits<double>::infinity())) == nanoseconds::max());
  CHECK(saturated_nanoseconds(duration<long double>(-1e4000L)) == nanoseconds::min());
  CHECK(saturated_nanoseconds(duration<double>(std::nan(""))) == nanoseconds::max());
}

PLAIN_TEST("a point of any clock has a deadline: one that has passed, one to come, or none") {
  each_long_past([](auto tp) {
    const auto at = to_deadline(tp);
    CHECK(at >= long_ago);
    CHECK(at < gossamer::detail::now());
  });
  each_far_future([](auto tp) { CHECK(to_deadline(tp) > gossamer::detail::now() + nanoseconds(24h).count()); });
  const auto soon = [](auto tp, nanoseconds d) {
    CHECK(is_about(nanoseconds(to_deadline(tp) - gossamer::detail::now()), d));
  };
  soon(julian_clock::now() + 1h, 1h);
  soon(old_clock::now() + 1h, 1h);
  soon(old_clock::now() - 10s, -10s);
  soon(tick_clock::now() + 1h, 1h);
  soon(time_point<system_clock, hours>(floor<hours>(system_clock::now().time_since_epoch())) + 48h + 0s,
       48h - (system_clock::now() - floor<hours>(system_clock::now())));
}

PLAIN_TEST("since and until say how far it is, or the limit where that does not fit") {
  CHECK(time::since(system_clock::time_point::min()) == time::duration::max());
  CHECK(time::until(system_clock::time_point::min()) == time::duration::min());
  CHECK(time::until(time_point<system_clock, hours>(hours::max())) == time::duration::max());
  CHECK(time::since(time_point<system_clock, hours>(hours::max())) == time::duration::min());
  CHECK(time::since(time::time_point::min()) == time::duration::max());
  CHECK(time::until(time::time_point::min()) < -1h);
  CHECK(time::until(old_clock::time_point::max()) == time::duration::max());
  CHECK(time::since(old_clock::time_point()) == time::duration::max());
  CHECK(time::since(tick_clock::time_point()) == 5'000'000'000s);
  CHECK(is_about(time::since(old_clock::now() - 5h), 5h));
  CHECK(is_about(time::until(julian_clock::now() + 5h), 5h));
}

FIBER_TEST("a wait until a time long past is over at once, by whichever clock") {
  auto ch = make_chan<int>();
  auto signal = make_chan<void>();
  sync::mutex m;
  sync::rw_mutex rw;
  sync::wait_group wg;
  sync::cond c;
  m.lock();
  rw.lock();
  wg.add(1);
  sync::mutex own;
  own.lock();
  each_long_past([&](auto tp) {
    int v = 0;
    CHECK(ch.recv_until(tp, v) == channel_status::ended);
    CHECK(ch.recv_until(tp) == channel_status::ended);
    CHECK(ch.send_until(tp, 1) == channel_status::ended);
    CHECK(signal.send_until(tp) == channel_status::ended);
    CHECK(!m.try_lock_until(tp));
    CHECK(!rw.try_lock_until(tp));
    CHECK(!rw.try_lock_shared_until(tp));
    CHECK(!wg.wait_until(tp));
    CHECK(!c.wait_until(own, tp, [] { return false; }));
    time::sleep_until(tp);
    CHECK(time::sleep_until(tp, wait::stop(recv_chan<void>(signal))));
    const auto [ctx, cancel] = context::with_deadline(context::background(), tp);
    CHECK(ctx.err() == context::deadline_exceeded);
    cancel();
  });
  each_negative([&](auto d) {
    int v = 0;
    CHECK(ch.recv_for(d, v) == channel_status::ended);
    CHECK(ch.send_for(d, 1) == channel_status::ended);
    CHECK(!m.try_lock_for(d));
    CHECK(!rw.try_lock_for(d));
    CHECK(!rw.try_lock_shared_for(d));
    CHECK(!wg.wait_for(d));
    CHECK(!c.wait_for(own, d, [] { return false; }));
    time::sleep(d);
    CHECK(time::sleep_for(d, wait::stop(recv_chan<void>(signal))));
    time::after(d).recv();
    time::timer(d).c.recv();
    CHECK(time::tick(d) == nil);
    const auto [ctx, cancel] = context::with_timeout(context::background(), d);
    CHECK(ctx.err() == context::deadline_exceeded);
    cancel();
  });
  m.unlock();
  rw.unlock();
  own.unlock();
  wg.done();
}

FIBER_TEST("a wait until a time far ahead goes on until what it waits for comes") {
  each_far_future([&](auto tp) {
    auto ch = make_chan<int>();
    sync::wait_group given;
    given.go([&] {
      CHECK(support::await_receivers(ch, 1));
      ch << 1;
    });
    int v = 0;
    CHECK(ch.recv_until(tp, v) == channel_status::done);
    CHECK(given.wait_until(tp));
    sync::mutex m;
    CHECK(m.try_lock_until(tp));
    m.unlock();
    const auto [ctx, cancel] = context::with_deadline(context::background(), tp);
    CHECK(!ctx.err());
    cancel();
    CHECK(ctx.err() == context::canceled);
  });
}

FIBER_TEST("a call of the packages above may be given any duration") {
  const support::net_pair pair;
  for (const auto d : {time::duration::max(), time::duration::min()}) {
    const bool waits = d > 0ns;
    errgroup::group g;
    g.set_limit(1);
    const auto go_on = make_chan<void>();
    g.go([&]() -> error {
      go_on.recv();
      return nil;
    });
    singleflight::group<int, int> flights;
    sync::once once;
    conc::barrier two(2);
    support::crew others;
    others.go([&] {
      flights.do_(1, [&]() -> std::pair<int, error> {
        go_on.recv();
        return {7, nil};
      });
    });
    others.go([&] { once.do_([&] { go_on.recv(); }); });
    CHECK(support::await_receivers(go_on, 3));
    std::atomic<int> over = 0;
    support::crew all;
    all.go([&] {
      CHECK(static_cast<bool>(flights.do_until(d, 1, []() -> std::pair<int, error> { return {0, nil}; })) == waits);
      ++over;
    });
    all.go([&] {
      CHECK(once.do_until(d, [] {}) == waits);
      ++over;
    });
    all.go([&] {
      error err;
      CHECK(g.wait_until(d, err) == waits);
      ++over;
    });
    if (waits) {
      CHECK(support::await_parked(wait_reason::once_do, 1));
      others.go([&] { two.arrive_and_wait(); });
      CHECK(two.arrive_and_wait_for(d) != conc::barrier_status::ended);
      CHECK(over == 0);
    } else {
      CHECK(two.arrive_and_wait_for(d) == conc::barrier_status::ended);
      CHECK(support::eventually([&] { return over == 3; }));
    }
    close(go_on);
    others.join();
    all.join();

    const auto [ctx, cancel] = context::with_timeout(context::background(), d);
    if (waits) {
      CHECK(pair.a.write("x").first == 1);
    }
    CHECK(io::wait_ready(pair.b.native_handle(), {.readable = true}, ctx).first.readable == waits);
    cancel();
    if (waits) {
      std::byte one[1];
      CHECK(pair.b.read(one).first == 1);
    }
    net::listener l = net::listen("tcp", "127.0.0.1:0").first;
    const auto [c, err] = net::dial_timeout("tcp", l.addr().text(), d);
    CHECK(static_cast<bool>(c) == waits);
    CHECK(err.timeout() == !waits);
    c.close();
    l.close();
    os::command program("sleep", "1000");
    if (!waits) {
      program.wait_delay = d;  // over at once
      const auto [soon, end] = context::with_timeout(context::background(), 1ms);
      CHECK(program.run(soon));
      end();
    } else {
      os::command quick("true");
      quick.wait_delay = d;
      CHECK(quick.output().second == nil);
    }
  }
  time::ticker t(1h);
  t.reset(time::duration::max());
  CHECK(select(recv(t.c), otherwise) == 1);
  t.reset(1ms);
  t.c.recv();
  t.stop();
  CHECK(support::panic_of([&] { t.reset(time::duration::min()); }) == "non-positive interval for Ticker.Reset");
}

FIBER_TEST("a connection's deadline may lie at either end of any clock") {
  const auto [a, b] = net::pipe();
  each_long_past([&, in = a](auto tp) {
    if (tp == decltype(tp)()) {
      return;  // Go's zero: none
    }
    CHECK(in.set_deadline(tp) == nil);
    std::byte one[1];
    const auto [n, err] = in.read(one);
    CHECK(n == 0);
    CHECK(err.timeout());
  });
  a.close();
  b.close();
}
