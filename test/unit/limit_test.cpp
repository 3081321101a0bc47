// wait::limit: what converts to one, and that every blocking call that takes one ends by whichever part comes first.
#include <chrono>
#include <concepts>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>

#include "blocking_calls.hpp"

using namespace gossamer;
using namespace std::chrono_literals;
using std::chrono::steady_clock;
using std::chrono::system_clock;
using support::await_parked;
using support::blocking_call;
using support::blocking_calls;
using support::busy_objects;
using support::crew;
using support::forgotten;

static_assert(std::is_trivially_copyable_v<wait::limit>);
static_assert(std::is_nothrow_constructible_v<wait::limit, chan<void>>);
static_assert(std::convertible_to<steady_clock::time_point, wait::limit>);
static_assert(std::convertible_to<system_clock::time_point, wait::limit>);
static_assert(std::convertible_to<std::chrono::duration<double>, wait::limit>);
static_assert(std::convertible_to<wait::stop, wait::limit>);
static_assert(std::convertible_to<chan<void>, wait::limit>);
static_assert(std::convertible_to<recv_chan<void>, wait::limit>);
static_assert(std::convertible_to<context::context, wait::limit>);
static_assert(!std::convertible_to<chan<int>, wait::limit>);  // its close would not say what ended the wait
static_assert(!std::convertible_to<send_chan<void>, wait::limit>);
static_assert(!std::constructible_from<wait::limit, long long>);  // of what?

FIBER_TEST("a limit of a time and a stop: the stop comes first") {
  for (const blocking_call& it : blocking_calls) {
    busy_objects o;
    const auto stop = make_chan<void>();
    bool fiber_got = true, thread_got = true;
    {
      crew all;
      all.go([&] { fiber_got = it.call(o, {1h, stop}); });
      std::thread thread([&] { thread_got = it.call(o, {stop, steady_clock::now() + 1h}); });
      CHECK(support::await_receivers(stop, 2));
      close(stop);
      all.join();
      runtime::blocking([&] { thread.join(); });
    }
    CHECK_FALSE(fiber_got);
    CHECK_FALSE(thread_got);
  }
}

FIBER_TEST("a limit of a time and a stop: the time comes first, and the stop is forgotten") {
  for (const blocking_call& it : blocking_calls) {
    busy_objects o;
    const auto stop = make_chan<void>();
    bool thread_got = true;
    std::thread thread([&] { thread_got = it.call(o, {1ms, stop}); });
    CHECK_FALSE(it.call(o, {1ms, stop}));
    runtime::blocking([&] { thread.join(); });
    CHECK_FALSE(thread_got);
    CHECK(forgotten(stop));
  }
}

FIBER_TEST("a limit whose stop is set already ends the wait, however far its time") {
  for (const blocking_call& it : blocking_calls) {
    busy_objects o;
    const auto stop = make_chan<void>();
    close(stop);
    CHECK_FALSE(it.call(o, {1h, stop}));
  }
}

FIBER_TEST("a context and a time: either ends a receive") {
  const auto [ctx, cancel] = context::with_cancel(context::background());
  const auto ch = make_chan<int>();
  CHECK(ch.recv_until({1ms, ctx}) == channel_status::ended);
  CHECK(ctx.err() == nil);
  cancel();
  CHECK(ch.recv_until({1h, ctx}) == channel_status::ended);
}

FIBER_TEST("of two times the earlier one counts") {
  const auto ch = make_chan<void>();
  const auto now = steady_clock::now();
  CHECK(ch.recv_until({1h, 1ms}) == channel_status::ended);
  CHECK(ch.recv_until({now + 1ms, system_clock::now() + 1h}) == channel_status::ended);
  CHECK(wait::limit(now + 1h, now).deadline() == wait::limit(now).deadline());
}

FIBER_TEST("what can be had at once is had, though time and stop have come") {
  const auto stop = make_chan<void>();
  close(stop);
  const wait::limit over{steady_clock::time_point::min(), stop};
  const auto ch = make_chan<int>(1);
  int v = 0;
  CHECK(ch.send_until(over, 7) == channel_status::done);
  CHECK(ch.recv_until(over, v) == channel_status::done);
  CHECK(v == 7);
  sync::mutex mu;
  CHECK(mu.try_lock_until(over));
  mu.unlock();
  sync::rw_mutex rw;
  CHECK(rw.try_lock_until(over));
  rw.unlock();
  CHECK(rw.try_lock_shared_until(over));
  rw.unlock_shared();
  CHECK(sync::wait_group().wait_until(over));
  int calls_made = 0;
  CHECK(sync::once().do_until(over, [&] { ++calls_made; }));
  CHECK(calls_made == 1);
}

FIBER_TEST("the object may end a wait that has a time and a stop") {
  const auto stop = make_chan<void>();
  const auto ch = make_chan<int>();
  channel_status got{};
  int v = 0;
  crew all;
  all.go([&] { got = ch.recv_until({1h, stop}, v); });
  CHECK(await_parked(wait_reason::chan_receive, 1));
  ch.send(5);
  all.join();
  CHECK(got == channel_status::done);
  CHECK(v == 5);
  CHECK(forgotten(stop));
}

TEST_CASE("a limit at the ends of its range") {
  using std::chrono::hours;
  CHECK_FALSE(wait::limit().has_deadline());
  CHECK_FALSE(wait::limit(hours::max()).has_deadline());
  CHECK(wait::limit(hours::min()).deadline() == detail::long_ago);
  CHECK(wait::limit(steady_clock::time_point::min()).deadline() == detail::long_ago);
  CHECK(wait::limit(steady_clock::time_point(5ns)).deadline() == 5);
  CHECK_FALSE(wait::limit(1h).stop().is_set());
}
