// How often a busy worker looks around.
#include "sched/look_pacer.hpp"

#include "fiber_test.hpp"

using namespace gossamer;
using sched::look_pacer;

namespace {

// Switches that go by before it looks again.
std::uint32_t switches_to_next_look(look_pacer& pacer) {
  pacer.start_ticks();
  std::uint32_t n = 0;
  while (pacer.tick()) {
    ++n;
  }
  return n - 1;  // a pick more: the one that the own stack makes
}

// So many looks, after runs of that length each.
void look_after_runs_of(look_pacer& pacer, detail::deadline& now, detail::deadline run, int looks) {
  for (int i = 0; i < looks; ++i) {
    now += run * switches_to_next_look(pacer);
    pacer.look(now);
  }
}

}  // namespace

PLAIN_TEST("a busy worker looks around every 61 switches, and as often as fibers that run for long let it") {
  look_pacer pacer;
  detail::deadline now = 1'000'000'000;
  pacer.restart(now);
  look_after_runs_of(pacer, now, 100, 3);
  CHECK(switches_to_next_look(pacer) == look_pacer::switches_per_look);
  CHECK(pacer.usual_run() == 100);
  CHECK_FALSE(pacer.has_long_runs());
  look_after_runs_of(pacer, now, 200'000, 2);
  CHECK(pacer.has_long_runs());
  CHECK(switches_to_next_look(pacer) * 200'000 <= look_pacer::look_interval);
  look_after_runs_of(pacer, now, 50'000'000, 2);
  CHECK(switches_to_next_look(pacer) == 1);
  // And back again.
  look_after_runs_of(pacer, now, 100, 5);
  CHECK(switches_to_next_look(pacer) == look_pacer::switches_per_look);
  CHECK_FALSE(pacer.has_long_runs());
}

PLAIN_TEST("time that a worker was idle is nobody's run") {
  look_pacer pacer;
  detail::deadline now = 1'000'000'000;
  pacer.restart(now);
  look_after_runs_of(pacer, now, 100, 3);
  now += 3'600'000'000'000;
  pacer.restart(now);
  look_after_runs_of(pacer, now, 100, 1);
  CHECK(pacer.usual_run() == 100);
  CHECK(switches_to_next_look(pacer) == look_pacer::switches_per_look);
}

PLAIN_TEST("ticks that are stopped stay so until the own stack searches, those of a scope until its end") {
  look_pacer pacer;
  CHECK(pacer.tick());
  const std::uint32_t before = pacer.ticks_left();
  pacer.suspend_ticks();
  CHECK_FALSE(pacer.tick());
  CHECK_FALSE(pacer.tick());
  CHECK(pacer.is_due());
  pacer.resume_ticks(false);
  CHECK(pacer.ticks_left() == before);
  pacer.suspend_ticks();
  pacer.resume_ticks(true);
  CHECK_FALSE(pacer.tick());
  pacer.start_ticks();
  CHECK(pacer.tick());
  pacer.stop_ticks();
  CHECK_FALSE(pacer.tick());
}

PLAIN_TEST("each look is somebody's turn: the global queue's every second, a fiber's without a stack every fourth") {
  using turn = look_pacer::turn;
  look_pacer pacer;
  detail::deadline now = 1'000'000'000;
  for (int i = 0; i < 3; ++i) {
    for (const turn expected : {turn::starved_first, turn::global_queue, turn::oldest_spawned, turn::global_queue}) {
      pacer.look(now += 1'000);
      CHECK(pacer.whose_turn() == expected);
    }
  }
}

PLAIN_TEST("relief is due at intervals that grow with the threads, a trim twice a second") {
  look_pacer pacer;
  const detail::deadline now = 1'000'000'000;
  CHECK(pacer.relief_is_due(now, 10));
  CHECK_FALSE(pacer.relief_is_due(now + 10 * look_pacer::relief_interval, 10));
  CHECK(pacer.relief_is_due(now + 10 * look_pacer::relief_interval + 1, 10));
  CHECK(pacer.trim_is_due(now));
  CHECK_FALSE(pacer.trim_is_due(now + look_pacer::trim_interval));
  CHECK(pacer.trim_is_due(now + look_pacer::trim_interval + 1));
}

PLAIN_TEST("look_pacer: to look sooner leaves the usual run as it is") {
  look_pacer p;
  std::int64_t now = 1'000'000'000;
  p.look(now);
  p.start_ticks();
  for (int i = 0; i < 20; ++i) {
    p.look_within(1);
    CHECK_FALSE(p.tick());
    CHECK(p.is_due());
    p.look(now += 200'000);  // one fiber, and so long
    p.start_ticks();
  }
  CHECK(p.usual_run() >= 50'000);
  p.look_within(2);
  CHECK(p.tick());
  p.look_within(2);
  CHECK_FALSE(p.tick());
  p.stop_ticks();
  p.look_within(2);
  CHECK(p.ticks_left() == 0);
}
