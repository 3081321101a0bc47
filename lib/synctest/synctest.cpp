// synctest: see gossamer/synctest.hpp. What drives a bubble (sched/bubble.hpp): a fiber of its own, its root.
// Source: Go runtime/synctest.go. Differs: Go's root is the caller; here that may be a plain thread, so it waits for
// one.
#include "gossamer/synctest.hpp"

#include <cstdio>
#include <memory>
#include <utility>

#include "gossamer/debug.hpp"
#include "gossamer/detail/completion.hpp"
#include "gossamer/detail/thrown.hpp"
#include "gossamer/go.hpp"
#include "gossamer/panic.hpp"
#include "sched/bubble.hpp"

namespace gossamer::inline v0 {

namespace {

struct bubble_run {
  bubble_run(detail::function<void> body, std::source_location place) : f(std::move(body)), where(place) {}

  sched::bubble its;
  detail::function<void> f;  // ends with the call
  const std::source_location where;
  // Written by the bubble's main fiber before it ends.
  detail::thrown by_main;
  // Written by the root.
  detail::thrown by_root;
  const char* deadlock = nullptr;
  detail::completion done;
};

void be_main(bubble_run& r) {
  r.its.be_main();
  r.by_main.keep_from([f = std::exchange(r.f, nullptr)] { f(); });
}

// Until all have ended, or nobody can go on.
void drive(bubble_run& r) {
  for (;;) {
    r.its.rest(r.where);
    if (r.its.main_has_ended()) {
      break;
    }
    if (!r.its.advance()) {
      r.deadlock = "deadlock: all goroutines in bubble are blocked";
      return;
    }
  }
  while (r.its.is_empty() && r.its.has_timers()) {
    r.its.drop_timers();
    r.its.rest(r.where);  // for those who end what the timers had
  }
  if (!r.its.is_empty()) {
    r.deadlock = "deadlock: main bubble goroutine has exited but blocked goroutines remain";
  }
}

void be_root(bubble_run& r) {
  r.by_root.keep_from([&] {
    r.its.be_root();
    go([&r] { be_main(r); });
    drive(r);
    if (r.deadlock != nullptr) {
      static_cast<void>(debug::dump(stderr, debug::format::text, {.ids = r.its.ids()}));
    }
  });
  r.its.be_root_no_more();
  r.done.finish();  // and r may be gone
}

}  // namespace

void detail::synctest_run(function<void> f, std::source_location where) {
  if (synctest::is_in_bubble()) {
    panic("synctest.Run called from within a synctest bubble");
  }
  detail::check_may_wait();
  auto run = std::make_unique<bubble_run>(std::move(f), where);
  go([r = run.get()] { be_root(*r); });
  run->done.wait({}, where);
  if (run->deadlock != nullptr) {
    const char* const text = run->deadlock;
    // Its fibers are in it for good.
    static_cast<void>(run.release());
    panic(text);
  }
  if (run->by_root) {
    run->by_root.again();
  }
  if (run->by_main) {
    run->by_main.again();
  }
}

namespace synctest {

void wait(std::source_location where) {
  sched::bubble* const b = sched::this_bubble();
  if (b == nullptr) {
    panic("goroutine is not in a bubble");
  }
  b->wait(where);
}

bool is_in_bubble() noexcept { return sched::this_bubble() != nullptr; }

}  // namespace synctest

}  // namespace gossamer::inline v0
