// process: see process.hpp.
//
// exit(): static destructors may destroy what fibers use, so the workers stand still before they run: the worker that
// has called exit() from one of its fibers counts as one that does. What was constructed after the runtime was started
// is destroyed before what was registered at its start (the hook): so a worker's thread has a thread-local too, whose
// destructor is the first that exit() calls.
#include "sched/process.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <new>
#include <string_view>

#include "base/fatal.hpp"
#include "base/forked.hpp"
#include "base/libc_version.hpp"
#include "base/system_call.hpp"
#include "fiber/inspect.hpp"
#include "fiber/record_pool.hpp"
#include "machine/this_object.hpp"
#include "sched/sample.hpp"
#include "sched/scheduler.hpp"
#include "sched/this_thread.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0::sched {

namespace {

// The thread that calls exit(), and until when the others have time to stand still. The second belongs to the first.
constinit std::atomic<pid_t> exit_caller{0};
constinit detail::deadline exit_until = 0;

// True if all stand still.
bool stop_for_exit() noexcept {
  const pid_t self = ::gettid();
  pid_t before = 0;
  // acq_rel: what run() and the workers then see was written before.
  if (exit_caller.compare_exchange_strong(before, self, std::memory_order_acq_rel)) {
    exit_until = detail::after(detail::now(), std::chrono::nanoseconds(exit_grace));
  } else if (before != self) {
    the_scheduler.stand_still();  // two at once: the first one's code counts
  }
  return the_scheduler.stop(std::max<std::int64_t>(exit_until - detail::now(), 0));
}

void at_exit(int status, void*) noexcept {
  if (base::in_forked_child()) {
    return;
  }
  const bool still = stop_for_exit();
  base::give_way_to_report();
  if (!still) {
    the_scheduler.name_running("exit was called");
    base::quit(status);
  }
  the_scheduler.show_parked_stacks();
}

#if !defined(__GLIBC__)
void at_exit_without_status() noexcept { at_exit(EXIT_FAILURE, nullptr); }
#endif

struct exit_watch {
  bool armed = false;
  ~exit_watch() {
    if (armed && !base::in_forked_child()) {
      stop_for_exit();  // if one does not: at_exit() says so
    }
  }
};
thread_local exit_watch tls_watch;

void in_forked_child() noexcept { the_scheduler.become_forked_child(); }

}  // namespace

void watch_for_exit() noexcept { tls_watch.armed = true; }

bool exit_is_elsewhere() noexcept {
  // acquire: pairs with the exchange in stop_for_exit().
  const pid_t caller = exit_caller.load(std::memory_order_acquire);
  return caller != 0 && caller != ::gettid();
}

// relaxed: the thread's own.
bool exit_is_here() noexcept { return exit_caller.load(std::memory_order_relaxed) == ::gettid(); }

namespace {

bool exit_lets_one_in() noexcept { return base::glibc_is_at_least(2, 41); }

// Another call might end too early by the sample's signal (a sleep does); a wait for a lock goes on.
bool waits_for_futex(const worker& w) noexcept { return base::system_call_of(w.thread_id()) == SYS_futex; }

bool is_in_exit(const machine::stack_trace& trace) noexcept {
  const auto depth = static_cast<std::ptrdiff_t>(std::min(trace.depth, trace.inner.size()));
  return std::any_of(trace.inner.begin(), trace.inner.begin() + depth, [](const void* pc) {
    Dl_info symbol{};
    // The address is where a call returns to, which may be another function's first.
    return ::dladdr(static_cast<const std::byte*>(pc) - 1, &symbol) != 0 && symbol.dli_sname != nullptr &&
           std::string_view(symbol.dli_sname) == "exit";
  });
}

}  // namespace

bool waits_in_exit(const fiber& f) noexcept {
  // relaxed: the thread's own.
  if (exit_caller.load(std::memory_order_relaxed) != ::gettid() || !exit_lets_one_in()) {
    return false;
  }
  const worker* const w = worker_of(f);
  if (w == nullptr || !waits_for_futex(*w)) {
    return false;
  }
  running_sample s;
  try {
    if (sample(f, f.id.load(std::memory_order_relaxed), s, std::chrono::milliseconds(10)) != sampled::done) {
      return false;
    }
  } catch (const std::bad_alloc&) {
    return false;
  }
  detail::drop(s.labels);
  return is_in_exit(s.trace);
}

void give_way_to_exit() noexcept {
  while (exit_is_elsewhere()) {
    ::pause();
  }
}

void refuse_to_block_exit() noexcept {
  if (exit_is_here()) {
    base::fatal("a static destructor or exit handler blocks or yields, after exit was called by a fiber");
  }
}

bool scheduler::exit_was_called() const noexcept { return exit_caller.load(std::memory_order_acquire) != 0; }

namespace {

// One that is closed would become a socket or a poller, and reports would go into it. As Go does.
void open_closed_streams() noexcept {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) {
      ::open("/dev/null", O_RDWR);  // the lowest free number; commands inherit it
    }
  }
}

}  // namespace

void join_process() noexcept {
  open_closed_streams();
  machine::claim_process();
#if defined(__GLIBC__)
  ::on_exit(at_exit, nullptr);
#else
  std::atexit(at_exit_without_status);
#endif
  ::pthread_atfork(nullptr, nullptr, in_forked_child);
}

// Leads the slow paths to the report: what this thread does next needs memory, a lock or a switch.
void scheduler::become_forked_child() noexcept {
  worker* const w = this_worker();
  const fiber* const f = w != nullptr ? w->current() : nullptr;
  // relaxed, throughout: there is one thread.
  base::mark_forked_child(f != nullptr ? f->id.load(std::memory_order_relaxed) : 0);
  running_.store(false, std::memory_order_relaxed);
  detail::resched_requests.store(0, std::memory_order_relaxed);  // the monitor is gone that would take them back
  attention.store(attention_stop, std::memory_order_relaxed);
  global.seize();
  if (w != nullptr) {
    w->become_forked_child();
  }
}

void worker::become_forked_child() noexcept {
  pacer_.stop_ticks();        // its next switch goes to the worker's own stack, which finds that all are to stop
  records_.forget_records();  // go() asks for more
  timers_.seize();
  status_.become_forked_child();
}

// All workers stand still, for good: what only parked fibers own is no leak.
void scheduler::show_parked_stacks() noexcept {
  records.for_each([](fiber& f) {
    const fiber_state s = f.state.load(std::memory_order_relaxed);
    if (f.id.load(std::memory_order_relaxed) != 0 && f.started() &&
        (s == fiber_state::parked || s == fiber_state::runnable)) {
      machine::root_stack(f.sanitizer, f.context, machine::stack_top(f.stack, f.size_class));
    }
  });
}

}  // namespace gossamer::inline v0::sched
