// gossamer::executor and its strands, strands of the io_context under use_fiber, and runtime::join().
#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "child.hpp"
#include "gossamer/asio.hpp"
#include "inside.hpp"

using namespace gossamer;
using support::child_result;
using support::contains;
using support::scale;

namespace asio = boost::asio;
namespace execution = asio::execution;
using boost::system::error_code;

namespace {

template <class Executor>
using timer_on =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;

template <class Executor>
constexpr bool is_io_executor =
    execution::is_executor<Executor>::value && std::is_convertible_v<Executor, asio::any_io_executor> &&
    asio::can_query<Executor, execution::context_t>::value &&
    asio::can_require<Executor, execution::blocking_t::never_t>::value &&
    asio::can_prefer<Executor, execution::outstanding_work_t::tracked_t>::value &&
    asio::can_prefer<Executor, execution::relationship_t::continuation_t>::value;
using tracked = std::decay_t<decltype(asio::require(executor{}, execution::outstanding_work.tracked))>;
static_assert(is_io_executor<executor>);
static_assert(is_io_executor<tracked>);
static_assert(is_io_executor<asio::strand<executor>>);
static_assert(is_io_executor<asio::strand<tracked>>);
static_assert(std::is_same_v<asio::default_completion_token<executor>::type, use_fiber_t>);
static_assert(std::is_empty_v<executor>);

}  // namespace

FIBER_TEST("an executor's context is the runtime's, and all are equal") {
  CHECK(&asio::query(executor{}, execution::context) == &runtime::io_context());
  CHECK(executor{} == executor{});
  CHECK(asio::query(executor{}, execution::blocking) == execution::blocking.never);
  CHECK(asio::query(executor{}, execution::outstanding_work) == execution::outstanding_work.untracked);
  CHECK(asio::query(tracked(executor{}), execution::outstanding_work) == execution::outstanding_work.tracked);
  const asio::any_io_executor any = executor{};
  CHECK(&any.context() == &runtime::io_context());
  CHECK(any == asio::any_io_executor(executor{}));
}

FIBER_TEST("each function that is given to an executor has a fiber of its own, and may block") {
  const int n = scale(500);
  auto ch = make_chan<int>();
  for (int i = 0; i < n; ++i) {
    auto f = [ch, i, p = std::make_unique<int>(i)] { ch << *p + i; };
    switch (i % 4) {
      case 0:
        asio::post(executor{}, std::move(f));
        break;
      case 1:
        asio::dispatch(executor{}, std::move(f));
        break;
      case 2:
        asio::defer(executor{}, std::move(f));
        break;
      default:
        asio::post(asio::any_io_executor(executor{}), std::move(f));
    }
  }
  long sum = 0;
  for (int i = 0; i < n; ++i) {
    sum += *ch;
  }
  CHECK(sum == static_cast<long>(n) * (n - 1));
}

FIBER_TEST("handlers of timers that are made with an executor, or bound to one, run in fibers") {
  auto ch = make_chan<int>();
  asio::steady_timer any(executor{}, 1ms);
  any.async_wait([&](error_code) { ch << 1; });
  CHECK(*ch == 1);
  timer_on<executor> typed(executor{}, 1ms);
  typed.async_wait([&](error_code) { ch << 2; });
  CHECK(*ch == 2);
  asio::steady_timer plain(runtime::io_context(), 1ms);
  plain.async_wait(asio::bind_executor(executor{}, [&](error_code) { ch << 3; }));
  CHECK(*ch == 3);
}

FIBER_TEST("use_fiber is an executor's default token, and any object's by as_default_on") {
  timer_on<executor> typed(executor{}, 1ms);
  typed.async_wait();
  auto timer = use_fiber_t::as_default_on(asio::steady_timer(runtime::io_context(), 1ms));
  timer.async_wait();
  CHECK(timer.expiry() <= asio::steady_timer::clock_type::now());
  use_fiber_t::as_default_on_t<asio::steady_timer> same(runtime::io_context(), 1h);
  error_code ec;
  same.async_wait(use_fiber.within(1ms)[ec]);
  CHECK(ec == asio::error::timed_out);
}

FIBER_TEST("a coroutine runs on an executor, and each of its steps may block") {
  const int sum = asio::co_spawn(
      executor{},
      []() -> asio::awaitable<int> {
        time::sleep(1ms);
        asio::steady_timer timer(co_await asio::this_coro::executor, 1ms);
        co_await timer.async_wait(asio::use_awaitable);
        auto ch = make_chan<int>();
        go([ch] { ch << 20; });
        co_return *ch + 1;
      },
      use_fiber);
  CHECK(sum == 21);
  // An int: who lets go of an exception last is counted in the C++ library, where the thread sanitizer does not look,
  // and it would take the end of what() for a race with the one who has read it.
  const auto fails = []() -> asio::awaitable<void> {
    throw 7;
    co_return;
  };
  CHECK_THROWS_AS(asio::co_spawn(executor{}, fails, use_fiber), int);
}

CHILD_PROGRAM("a handler in a fiber throws") {
  return run([] {
    asio::post(executor{}, [] { panic("in a fiber"); });
    time::sleep(10s);
  });
}
PLAIN_TEST("an exception that leaves a function of an executor's is its fiber's panic") {
  const child_result r = support::run_child("a handler in a fiber throws");
  CHECK(r.exited_with(2));
  CHECK(support::starts_with(r.err, "panic: in a fiber\n"));
  CHECK(contains(r.err, "\nfiber "));
}

CHILD_PROGRAM("an executor is tracked") {
  return run([] {
    auto guard =
        std::make_shared<std::optional<asio::executor_work_guard<executor>>>(asio::make_work_guard(executor{}));
    asio::steady_timer timer(runtime::io_context());
    auto ch = make_chan<int>();
    go([guard] {
      time::sleep(700ms);
      guard->reset();
    });
    return *ch;
  });
}
PLAIN_TEST("FR1: a work guard of an executor's is work of the io_context's: no deadlock before it goes") {
  const child_result r = support::run_child("an executor is tracked");
  CHECK(r.exited_with(2));
  CHECK(r.took >= 600ms);
  CHECK(contains(r.err, "all fibers are asleep - deadlock!"));
}

// ---- strands of the executor ----------------------------------------------------------------------------------------

FIBER_TEST("a strand of executors runs its functions one at a time and in order, also where they park") {
  const auto strand = asio::make_strand(executor{});
  const int n = scale(300);
  std::vector<int> order;  // without a lock
  bool busy = false;
  int overlaps = 0;
  sync::wait_group all;
  all.add(n);
  for (int i = 0; i < n; ++i) {
    asio::post(strand, [&, i] {
      overlaps += std::exchange(busy, true) ? 1 : 0;
      if (i % 7 == 0) {
        time::sleep(10us);
      }
      runtime::gosched();
      order.push_back(i);
      busy = false;
      all.done();
    });
  }
  all.wait();
  CHECK(overlaps == 0);
  int wrong = 0;
  for (int i = 0; i < n; ++i) {
    wrong += order[static_cast<std::size_t>(i)] == i ? 0 : 1;
  }
  CHECK(wrong == 0);
}

FIBER_TEST("in a strand dispatch calls at once and post afterwards, also after the fiber has parked") {
  const auto strand = asio::make_strand(executor{});
  const auto other = asio::make_strand(executor{});
  CHECK(strand != other);
  CHECK(!strand.running_in_this_thread());
  auto ch = make_chan<std::string>();
  asio::post(strand, [=] {
    std::string s;
    time::sleep(1ms);
    s += strand.running_in_this_thread() && !other.running_in_this_thread() ? "in " : "not in ";
    asio::dispatch(strand, [&] { s += "dispatched "; });
    asio::post(strand, [=] { ch << "posted"; });
    s += "end";
    ch << s;
  });
  CHECK(*ch == "in dispatched end");
  CHECK(*ch == "posted");
}

FIBER_TEST("a strand goes on after a function that leaves by goexit, and its functions are destroyed in turn") {
  const auto strand = asio::make_strand(executor{});
  const auto owned = std::make_shared<int>(1);
  auto ch = make_chan<int>();
  asio::post(strand, [owned] { runtime::goexit(); });
  asio::post(strand, [ch, n = owned.use_count()] { ch << static_cast<int>(n); });
  *ch;
  CHECK(owned.use_count() == 1);
}

FIBER_TEST("timers on a strand of executors: their handlers take turns") {
  const auto strand = asio::make_strand(executor{});
  int n = 0;
  sync::wait_group all;
  std::vector<std::unique_ptr<timer_on<asio::strand<executor>>>> timers;
  const int most = scale(100);
  all.add(most);
  for (int i = 0; i < most; ++i) {
    timers.push_back(std::make_unique<timer_on<asio::strand<executor>>>(strand, 1ms));
    timers.back()->async_wait([&](error_code) {
      const int before = n;
      runtime::gosched();
      n = before + 1;
      all.done();
    });
  }
  all.wait();
  CHECK(n == most);
}

// ---- strands of the io_context --------------------------------------------------------------------------------------

FIBER_TEST("operations of many fibers on one strand are begun and ended one at a time") {
  const auto strand = asio::make_strand(runtime::io_context());
  int inside = 0;  // without a lock: the strand's
  int overlaps = 0;
  const auto operation = [&](auto&& token) {
    return asio::async_initiate<decltype(token), void(error_code, int)>(
        [&](auto handler) {
          overlaps += ++inside == 1 ? 0 : 1;
          const auto ex = asio::get_associated_executor(handler);
          --inside;
          asio::post(ex, [&, h = std::move(handler)]() mutable {
            overlaps += ++inside == 1 ? 0 : 1;
            --inside;
            std::move(h)(error_code(), 1);
          });
        },
        token);
  };
  std::atomic<int> sum = 0;
  {
    support::crew crew;
    for (int i = 0; i < 20; ++i) {
      crew.go([&] {
        for (int round = 0; round < scale(100); ++round) {
          sum += operation(use_fiber.on(strand));
          sum += operation(use_fiber.on(strand).within(1h));
        }
      });
    }
  }
  CHECK(overlaps == 0);
  CHECK(sum == 20 * 2 * scale(100));
}

// ---- an io_context of one's own -------------------------------------------------------------------------------------

FIBER_TEST("join runs another io_context until it has no work, and its handlers may block") {
  asio::io_context own;
  CHECK(runtime::join(own) == 0);
  own.restart();
  auto there = make_chan<int>();
  auto back = make_chan<int>();
  asio::post(own, [=] { back << *there + 1; });
  asio::steady_timer timer(own, 1ms);
  std::atomic<bool> called = false;
  timer.async_wait([&](error_code) { called = true; });
  support::crew crew;
  crew.go([&] {
    there << 1;
    CHECK(*back == 2);
  });
  CHECK(runtime::join(own) == 2);
  CHECK(called);
}

FIBER_TEST("join ends when its context is cancelled, or somebody stops the io_context") {
  for (const bool by_context : {true, false}) {
    asio::io_context own;
    const auto stay = asio::make_work_guard(own);
    auto [ctx, cancel] = context::with_cancel(context::background());
    support::crew crew;
    crew.go([&, c = ctx] { runtime::join(own, c); });
    asio::post(own, use_fiber);  // it runs
    if (by_context) {
      cancel();
    } else {
      own.stop();
    }
    crew.join();
    CHECK(own.stopped());
    cancel();
    own.restart();
    CHECK(runtime::join(own, ctx) == 0);
  }
}

FIBER_TEST("what leaves a handler leaves join, and two joins are two threads") {
  asio::io_context own;
  asio::post(own, [] { throw std::runtime_error("out"); });
  CHECK_THROWS_AS(runtime::join(own), std::runtime_error);
  auto first = make_chan<int>();
  asio::post(own, [=] { first << 1; });
  asio::post(own, [=] { first.recv(); });
  support::crew crew;
  crew.go([&] { runtime::join(own); });
  runtime::join(own);
}

PLAIN_TEST("join from a plain thread, with its own fibers under use_fiber") {
  asio::io_context own;
  const auto ended = make_chan<int>(1);
  auto stay = std::make_shared<std::optional<asio::executor_work_guard<asio::io_context::executor_type>>>(
      asio::make_work_guard(own));
  go([&own, ended, stay] {
    {
      asio::steady_timer timer(own, 1ms);
      timer.async_wait(use_fiber);
    }
    stay->reset();
    ended << 1;
  });
  runtime::join(own);
  CHECK(*ended == 1);  // before `own` goes
}
