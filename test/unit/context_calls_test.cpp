// Waits that a context ends, of what waits for another's work: once and the functions of once, errgroup, singleflight.
// (Of locks and counts: sync_stop_test; of channels: chan_test, select_test.)
#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "inside.hpp"

using namespace gossamer;
using support::await_parked;
using support::crew;
using support::eventually;
using support::scale;

namespace {

context::context expired() {
  const auto [ctx, cancel] = context::with_timeout(context::background(), 0s);
  return ctx;
}

}  // namespace

FIBER_TEST("ON1: do_until waits for another's call no longer than its context, and the call goes on") {
  sync::once once;
  const auto gate = make_chan<void>();
  std::atomic<int> ran = 0, gave_up = 0, saw_it_over = 0;
  crew all;
  all.go([&] {
    CHECK(once.do_until(context::background(), [&] {
      ++ran;
      gate.recv();
    }));
  });
  CHECK(await_parked(wait_reason::chan_receive, 1));
  CHECK_FALSE(once.do_until(expired(), [&] { ++ran; }));
  const auto [ctx, cancel] = context::with_cancel(context::background());
  for (int i = 0; i < 5; ++i) {
    all.go([&, c = ctx] { gave_up += !once.do_until(c, [&] { ++ran; }); });
    all.go([&] { saw_it_over += once.do_until(context::background(), [&] { ++ran; }); });
  }
  CHECK(await_parked(wait_reason::once_do, 10));
  std::thread plain([&, c = ctx] { gave_up += !once.do_until(c, [&] { ++ran; }); });
  cancel();
  CHECK(eventually([&] { return gave_up == 6; }));
  runtime::blocking([&] { plain.join(); });
  CHECK(saw_it_over == 0);
  close(gate);
  all.join();
  CHECK(saw_it_over == 5);
  CHECK(ran == 1);
  CHECK(once.do_until(expired(), [&] { ++ran; }));  // over is over
  CHECK(ran == 1);
}

FIBER_TEST(
    "ON1: do_until makes the call that nobody has begun, whatever its context, and an exception counts as done") {
  sync::once once;
  int ran = 0;
  CHECK(once.do_until(expired(), [&] { ++ran; }));
  CHECK(ran == 1);
  sync::once failing;
  CHECK_THROWS_AS(failing.do_until(context::background(), [] { throw std::runtime_error("no"); }), std::runtime_error);
  CHECK(failing.do_until(expired(), [&] { ++ran; }));
  CHECK(ran == 1);
}

FIBER_TEST("ON1: contexts that end as the call does lose nobody, and the once may go as soon as all are back") {
  for (int round = 0; round < scale(300); ++round) {
    auto once = std::make_unique<sync::once>();
    const auto [ctx, cancel] = context::with_cancel(context::background());
    std::atomic<int> ran = 0, back = 0;
    {
      crew all;
      for (int i = 0; i < 6; ++i) {
        all.go([&, i, c = ctx] {
          const auto call = [&] {
            ++ran;
            runtime::gosched();
          };
          if (i % 2 == 0) {
            once->do_(call);
          } else {
            once->do_until(c, call);
          }
          ++back;
        });
      }
      all.go(cancel);
    }
    once.reset();
    CHECK(ran == 1);
    CHECK(back == 6);
  }
}

FIBER_TEST("ON2: until of a once function waits for another's call no longer than its context") {
  const auto gate = make_chan<void>();
  std::atomic<int> ran = 0;
  const auto init = sync::once_func([&] {
    ++ran;
    gate.recv();
  });
  const auto number = sync::once_value([&] {
    ++ran;
    gate.recv();
    return 7;
  });
  const auto broken = sync::once_values([&]() -> std::pair<int, error> {
    ++ran;
    gate.recv();
    throw std::runtime_error("broken");
  });
  crew all;
  all.go([&] { CHECK(init.until(context::background())); });
  all.go([&] { CHECK(*number.until(context::background()) == 7); });
  all.go([&] { CHECK_THROWS_AS(broken.until(context::background()), std::runtime_error); });
  CHECK(await_parked(wait_reason::chan_receive, 3));
  CHECK_FALSE(init.until(expired()));
  CHECK(number.until(expired()) == nullptr);
  CHECK(broken.until(expired()) == nullptr);
  close(gate);
  all.join();
  CHECK(init.until(expired()));
  init();
  const int* const value = number.until(expired());
  CHECK(value == &number());
  CHECK_THROWS_AS(broken.until(expired()), std::runtime_error);
  CHECK_THROWS_AS(broken(), std::runtime_error);
  CHECK(ran == 3);
}

FIBER_TEST("what a channel has at once is had, and what it has room for is sent, though the context has ended") {
  const context::context late = expired();
  const auto ch = make_chan<int>(1);
  for (int i = 0; i < 50; ++i) {
    int v = 0;
    CHECK(ch.send_until(late, i) == channel_status::done);
    CHECK(ch.send_until(late, i) == channel_status::ended);
    CHECK(ch.recv_until(late, v) == channel_status::done);
    CHECK(v == i);
    CHECK(ch.recv_until(late, v) == channel_status::ended);
  }
  close(ch);
  CHECK(ch.recv_until(late) == channel_status::closed);
  CHECK(support::panic_of([&] { ch.send_until(late, 1); }) == "send on closed channel");
  CHECK(chan<int>().recv_until(late) == channel_status::ended);
}

FIBER_TEST("EG2: go_until waits at the limit no longer than its context, and starts what finds a place") {
  const errgroup::group g;
  g.set_limit(1);
  const auto gate = make_chan<void>();
  std::atomic<int> ran = 0;
  CHECK(g.go_until(expired(), [&] {  // there is a place at once
    ++ran;
    gate.recv();
  }));
  CHECK_FALSE(g.go_until(expired(), [&] { ++ran; }));
  const auto [ctx, cancel] = context::with_cancel(context::background());
  crew all;
  all.go([&, c = ctx] { CHECK_FALSE(g.go_until(c, [&] { ran += 100; })); });
  CHECK(await_parked(wait_reason::chan_send, 1));  // until its turn or its context
  cancel();
  all.join();
  all.go([&] { CHECK(g.go_until(context::background(), [&] { ++ran; })); });
  CHECK(await_parked(wait_reason::chan_send, 1));
  close(gate);
  all.join();
  CHECK(g.wait() == nil);
  CHECK(ran == 2);
  const errgroup::group unlimited;
  CHECK(unlimited.go_until(expired(), [&] { ++ran; }));
  CHECK(unlimited.wait() == nil);
  CHECK(ran == 3);
}

FIBER_TEST("EG1: wait_until ends with its context, leaves the group at work, and then as wait does") {
  const auto [g, gctx] = errgroup::with_context(context::background());
  const auto gate = make_chan<void>();
  const error failed = errors::make("failed");
  g.go([&]() -> error {
    gate.recv();
    return failed;
  });
  error err = errors::make("as it was");
  CHECK_FALSE(g.wait_until(expired(), err));
  const auto [ctx, cancel] = context::with_cancel(context::background());
  crew all;
  all.go([&, c = ctx, same = g] { CHECK_FALSE(same.wait_until(c, err)); });
  CHECK(await_parked(wait_reason::wait_group_wait, 1));
  cancel();
  all.join();
  CHECK(err.text() == "as it was");
  CHECK(gctx.err() == nil);
  close(gate);
  CHECK(g.wait_until(context::background(), err));
  CHECK(err == failed);
  CHECK(context::cause(gctx) == failed);
}

FIBER_TEST("SF1: do_until waits for another's call no longer than its context; its own it makes") {
  singleflight::group<std::string, int> g;
  const auto gate = make_chan<void>();
  std::atomic<int> ran = 0;
  crew all;
  all.go([&] {
    const auto [v, err, shared] = g.do_("k", [&] {
      ++ran;
      gate.recv();
      return 5;
    });
    CHECK(v == 5);
    CHECK(shared);
  });
  CHECK(await_parked(wait_reason::chan_receive, 1));
  CHECK_FALSE(g.do_until(expired(), "k", [&] { return ++ran; }).has_value());
  const auto [ctx, cancel] = context::with_cancel(context::background());
  all.go([&, c = ctx] { CHECK_FALSE(g.do_until(c, "k", [&] { return ++ran; }).has_value()); });
  all.go([&] {
    const auto got = g.do_until(context::background(), "k", [&] { return ++ran; });
    CHECK(got.has_value());
    CHECK(got.has_value() == (got && std::get<0>(*got) == 5));
  });
  CHECK(await_parked(wait_reason::wait_group_wait, 2));
  cancel();
  CHECK(await_parked(wait_reason::wait_group_wait, 1));
  close(gate);
  all.join();
  CHECK(ran == 1);
  const auto own = g.do_until(expired(), "k", [&] { return 10 * ++ran; });  // nobody is at work: it is
  CHECK(own.has_value());
  CHECK(own == std::tuple<int, error, bool>(20, nullptr, false));
}

FIBER_TEST("a nil context and a negative count: Go's panic, or what Go does with it") {
  const std::string nil_text = "runtime error: invalid memory address or nil pointer dereference";
  CHECK(support::panic_of([] { static_cast<void>(errgroup::with_context(nil)); }) ==
        "cannot create context from nil parent");
  sync::once once;
  const context::context none;
  CHECK(support::panic_of([&] { once.do_until(none, [] {}); }) == nil_text);
  const errgroup::group g;
  error err;
  CHECK(support::panic_of([&] { g.go_until(none, [] {}); }) == nil_text);
  CHECK(support::panic_of([&] { g.wait_until(none, err); }) == nil_text);
  singleflight::group<int, int> flight;
  CHECK(support::panic_of([&] { static_cast<void>(flight.do_until(none, 1, [] { return 1; })); }) == nil_text);
  CHECK(g.wait() == nil);
  once.do_([] {});  // nothing of it has begun

  rate::limiter lim(1, 2);
  const time::time_point now = time::now();
  CHECK(lim.allow_n_at(now, 2));
  CHECK(lim.allow_n_at(now, -1));  // gives one back, up to the burst
  CHECK(lim.allow_n_at(now, 1));
  CHECK_FALSE(lim.allow_n_at(now, 1));
  CHECK(lim.allow_n_at(now, -10));
  CHECK(lim.tokens_at(now) == 2);
  rate::limiter negative(1, -1);
  CHECK_FALSE(negative.allow_n_at(now, 0));
  CHECK(negative.wait_n(context::background(), 0).text() == "rate: Wait(n=0) exceeds limiter's burst -1");
  CHECK(negative.wait(expired()).text() == "rate: Wait(n=1) exceeds limiter's burst -1");
  CHECK(lim.wait(expired()) == context::deadline_exceeded);
}
