// deadlock: Go's report when nothing can ever run again.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "base/fatal.hpp"
#include "fiber/report_hook.hpp"
#include "sched/report.hpp"
#include "sched/scheduler.hpp"
#include "sched/this_thread.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0::sched {

namespace {

// The threads of this process, or 0 where that cannot be found out.
int count_threads() noexcept {
  const int fd = ::open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return 0;
  }
  char text[4096];
  const ssize_t n = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  if (n <= 0) {
    return 0;
  }
  text[n] = 0;
  const char* const line = std::strstr(text, "\nThreads:");
  return line != nullptr ? std::atoi(line + std::strlen("\nThreads:")) : 0;
}

// The thread that called run(), the monitor, and what the thread sanitizer has for itself.
#if GOSSAMER_TSAN
constexpr int others = 3;
#else
constexpr int others = 2;
#endif

}  // namespace

// Whether nobody does anything at this moment.
bool scheduler::quiet() noexcept {
  if (!main_awaited.load() || main_returned.load() != 0 || count_threads() != threads() + others) {
    return false;
  }
  // Only now: a thread that is not there any more can have pushed something before it ended.
  if (!global.empty() || !watcher.nobody_away()) {
    return false;
  }
  const worker* const self = this_worker();
  for (int i = 0; i < threads(); ++i) {
    // Asleep last: a worker that has been called, or has found something in the poller, gets up before it says that it
    // is not any more.
    if (&at(i) != self && (at(i).pin().is_called() || at(i).sleep().may_have_claimed() || !at(i).sleep().is_asleep())) {
      return false;
    }
    if (at(i).timers().look_at() != detail::no_deadline) {
      return false;  // armed since the caller looked
    }
  }
  return true;
}

// Quiet at two moments, between which nobody was woken and nothing was pushed: a worker that sleeps does nothing unless
// it is taken out of the idle set or called for its locked fiber, and what one leaves behind when it retires goes
// through the global queue. Whether an event may come is asked between the two: before, a worker might be about to run
// what an event has readied, which would wait for another, and then sleep.
bool scheduler::deadlocked(worker& asking) noexcept {
  const std::uint32_t version = idle.version();
  const auto pushed = global.pushed();
  const auto called = locked_wakes.load();
  return quiet() && asking.nothing_can_come() && quiet() && idle.version() == version && global.pushed() == pushed &&
         locked_wakes.load() == called;
}

void fatal_deadlock() noexcept {
  base::begin_report();
  base::print_error("fatal error: all fibers are asleep - deadlock!\n");
  if (base::traceback_level != base::traceback::none) {
    hook::print_fibers(0);
  }
  base::end_report();
}

}  // namespace gossamer::inline v0::sched
