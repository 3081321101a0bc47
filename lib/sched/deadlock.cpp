// deadlock: Go's report when nothing can ever run again.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "base/fatal.hpp"
#include "fiber/record_pool.hpp"
#include "sched/report.hpp"
#include "sched/runtime.hpp"
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

bool runtime::deadlocked() noexcept {
  if (!main_running.load() || main_returned.load() != 0 || !watcher.nobody_away()) {
    return false;
  }
  // Before the look at the global queue: a worker that retires leaves there what it had before it falls asleep.
  const worker* const self = this_worker();
  for (int i = 0; i < threads(); ++i) {
    if (&at(i) != self && !at(i).is_asleep()) {
      return false;
    }
  }
  return global.empty() && count_threads() == threads() + others;
}

void fatal_deadlock() noexcept {
  base::begin_report();
  base::print_error("fatal error: all fibers are asleep - deadlock!\n");
  for (const bool main : {true, false}) {
    records.for_each([main](const fiber& f) {
      if (f.id.load(std::memory_order_relaxed) != 0 && !f.abandoned && f.is_main == main) {
        base::print_error("\n");
        print_fiber(f, text(f.reason));
      }
    });
  }
  base::quit(2);
}

}  // namespace gossamer::inline v0::sched
