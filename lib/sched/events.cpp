// events: how workers ask the poller. See event/poller.hpp.
//
// The worker that has the watch takes the poller role: where it would sleep it waits in the poller, still a member of
// the idle set. A waker that takes it out of the set interrupts the poller. When something is ready it takes itself
// out, so that no waker counts on it, and runs what it has found.
//
// The steps (checked in test/model/poller.pml):
//   E1  it takes the role; if somebody has it still, it sleeps for a step and tries again;
//   E2  it says that it polls;
//   E3  it looks whether it has been woken, and only if not it waits;
//   E4  a waker marks it as woken, then looks whether it polls, and interrupts the poller if so;
//   E5  it gives the role up, unless the monitor has taken it away;
//   E6  with something to run, it leaves the set, unless somebody has taken it out already.
// The monitor takes the role from a worker whose handler does not return, and the worker out of the set.
#include "gossamer/asio/context.hpp"

#include <algorithm>

#include "event/poller.hpp"
#include "sched/park.hpp"
#include "sched/scheduler.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0 {

namespace sched {

namespace {

// How soon a worker with the watch asks again for the poller role.
constexpr detail::deadline role_step = 50'000;

}  // namespace

// The worker takes itself out of the idle set, if nobody has done it yet (who then wakes it).
void worker::get_up() noexcept {
  // Before it leaves: from then on it must not be taken for one that has nothing.
  sleeper_.mark_awake();
  if (!the_scheduler.idle.leave(index_)) {
    sleep_until_woken(detail::no_deadline);
  }
}

// False if somebody else has the role: one that has just been woken and has not left yet, or is held up by a handler.
bool worker::wait_for_events(detail::deadline until, fiber_list& ready) noexcept {
  event::poller::epoch mine = 0;
  if (!event::the_poller.take_role(mine)) {  // E1
    return false;
  }
  ++counts_.polls;
  const handler_scope handlers("a handler of the io_context");
  if (sleeper_.begin_polling() && !has_ready()) {  // E2, E3
    event::the_poller.wait(mine, until, ready);
  }
  sleeper_.end_polling();
  event::the_poller.give_up_role(mine);  // E5
  return true;
}

// I4 with the watch. As sleep_until_woken(); also true if events have given it something to run.
bool worker::rest(detail::deadline until) noexcept {
  if (!event::the_poller.in_use()) {
    return sleep_until_woken(until);
  }
  const sleeper::in_hand claimed(sleeper_);
  fiber_list ready;
  if (!wait_for_events(until, ready)) {
    return sleep_until_woken(std::min(until, detail::now() + role_step));
  }
  if (ready.empty() && !has_ready()) {
    return sleeper_.is_woken() && sleep_until_woken(detail::no_deadline);
  }
  return go_on_with(ready);
}

// E6, with something to run.
bool worker::go_on_with(fiber_list& ready) noexcept {
  const detail::deadline now = detail::now();
  the_scheduler.watch.expect_more(now);
  add_to(counts_.events, ready.count());
  get_up();
  ready_batch(ready);
  count_queue_time(probe_.begin(now, queues_.pushed(), queues_.popped()));
  return true;
}

// Before it sleeps: looks for a moment at what would wake it. True as rest(). Without the watch the poller is left to
// the one that has it: what comes wakes that one anyway.
bool worker::spin(bool watch) noexcept {
  const bool events = watch && event::the_poller.in_use();
  const bool asio = event::the_poller.asio_in_use();
  const detail::deadline begin = detail::now();
  const detail::deadline end = std::min(begin + spin_rule::spin_for, earliest_event());
  if (!the_scheduler.idle.begin_spinning(index_)) {
    return false;
  }
  detail::deadline look_at = begin + spins_.first_look();
  for (detail::deadline now = begin; now < end; now = detail::now()) {
    if (sleeper_.is_woken()) {
      the_scheduler.watch.expect_more(detail::now());
      return sleep_until_woken(detail::no_deadline);
    }
    if (!events || now < look_at) {
      detail::cpu_relax();
      continue;
    }
    look_at = now + spin_rule::look_every;
    const sleeper::in_hand claimed(sleeper_);
    fiber_list ready;
    ask(asio, ready);
    if (!ready.empty() || has_ready()) {
      return go_on_with(ready);
    }
  }
  the_scheduler.idle.end_spinning(index_);
  return false;
}

// Without waiting, and without the role.
void worker::ask(bool asio_too, fiber_list& ready) noexcept {
  ++counts_.polls;
  if (!asio_too) {
    event::the_poller.poll_descriptors(ready);
    return;
  }
  const handler_scope handlers("a handler of the io_context");
  sleeper_.begin_asking();
  event::the_poller.poll(ready);
  sleeper_.end_polling();
}

bool worker::nothing_can_come() noexcept {
  const handler_scope handlers("a handler of the io_context");
  return !event::the_poller.expects_something() && !has_ready();
}

// By a busy worker, on its own stack. What comes of it stands in line.
void worker::ask_poller(detail::deadline now) noexcept {
  if (!the_scheduler.polls.is_due(now)) {
    return;
  }
  const bool asio_too = event::the_poller.asio_in_use() && the_scheduler.polls.asio_is_due(now);
  fiber_list ready;
  ask(asio_too, ready);
  add_to(counts_.events, ready.count());
  while (fiber* f = ready.take()) {
    ready_in_line(f);
  }
  wake_for_batch();
}

void look_at_events() noexcept { the_scheduler.wake_watch(); }

}  // namespace sched

namespace detail {

template <>
boost::asio::io_context& library_built_with_boost<BOOST_VERSION>() {
  sched::the_scheduler.ensure_running();
  const bool first = !event::the_poller.asio_in_use();
  boost::asio::io_context& context = event::the_poller.io_context();
  if (first) {
    sched::look_at_events();
  }
  return context;
}

}  // namespace detail

}  // namespace gossamer::inline v0
