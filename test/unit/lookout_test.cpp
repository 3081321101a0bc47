// What the lookout, and workers that have fibers without a stack, conclude from what they see and when.
#include "sched/lookout.hpp"

#include "fiber_test.hpp"
#include "sched/poll_pacer.hpp"
#include "sched/stack_shortage.hpp"

using namespace gossamer;
using sched::global_queue;
using sched::lookout;
using sched::lookout_steps;
using sched::poll_pacer;
using sched::stack_shortage;

PLAIN_TEST("the lookout's steps grow while nothing waits; where something does, two of them are below a millisecond") {
  lookout_steps steps;
  CHECK(steps.length() == lookout_steps::shortest);
  for (int i = 0; i < 10; ++i) {
    const detail::deadline before = steps.length();
    steps.next(false);
    CHECK(steps.length() == std::min(2 * before, lookout_steps::longest));
  }
  for (int i = 0; i < 20; ++i) {
    const detail::deadline before = steps.length();
    steps.next(true);
    CHECK(before + steps.length() <= lookout_steps::two_steps);
    CHECK(steps.length() >= lookout_steps::shortest);
  }
}

PLAIN_TEST("what was in the global queue at the lookout's last look, and is there still, has waited") {
  lookout watch;
  global_queue q;
  fiber a;
  fiber b;
  fiber* out = nullptr;
  CHECK_FALSE(watch.has_waited(q));
  q.push(&a);
  CHECK_FALSE(watch.has_waited(q));
  CHECK(watch.has_waited(q));
  q.push(&b);
  CHECK(q.pop(&out, 1) == 1);
  CHECK_FALSE(watch.has_waited(q));  // a has gone, b has just come
  CHECK(watch.has_waited(q));
}

PLAIN_TEST("after something has come more is expected for a while") {
  lookout watch;
  constexpr detail::deadline now = 1'000'000'000;
  CHECK_FALSE(watch.more_expected(now));
  watch.expect_more(now);
  CHECK(watch.more_expected(now + lookout::expectation - 1));
  CHECK_FALSE(watch.more_expected(now + lookout::expectation));
}

PLAIN_TEST("busy workers ask the poller once an interval, all together, and the io_context more rarely") {
  poll_pacer pacer;
  constexpr detail::deadline begin = 1'000'000'000;
  int asked = 0;
  int asio = 0;
  for (detail::deadline now = begin; now < begin + 10 * poll_pacer::asio_interval; now += 1'000) {
    if (pacer.is_due(now)) {
      ++asked;
      asio += pacer.asio_is_due(now) ? 1 : 0;
    }
  }
  CHECK(asked == 10 * poll_pacer::asio_interval / poll_pacer::descriptor_interval);
  CHECK(asio == 10);
}

PLAIN_TEST("where fibers wait for a stack all stand still once nothing has run for a second, and nothing can") {
  constexpr detail::deadline begin = 1'000'000'000;
  constexpr detail::deadline step = stack_shortage::standstill / 4;
  stack_shortage shortage;
  const auto still_after = [&](int steps, bool others, std::uint64_t switches, detail::deadline from) {
    bool still = false;
    for (int i = 0; i < steps; ++i) {
      still = shortage.is_standstill(from + i * step, others, switches);
    }
    return still;
  };
  CHECK_FALSE(still_after(5, false, 10, begin));
  CHECK_FALSE(shortage.is_standstill(begin + 5 * step, false, 11));  // something has run
  CHECK_FALSE(still_after(5, false, 11, begin + 5 * step));
  CHECK_FALSE(shortage.is_standstill(begin + 10 * step, true, 11));  // a timer was armed
  CHECK_FALSE(still_after(5, false, 11, begin + 10 * step));
  CHECK(shortage.is_standstill(begin + 15 * step, false, 11));
  CHECK(shortage.call_is_due(begin));
  CHECK_FALSE(shortage.call_is_due(begin + stack_shortage::call_interval));
  CHECK(shortage.call_is_due(begin + stack_shortage::call_interval + 1));
}
