// hook: dumps that nobody calls for: by a signal, and by a fatal report.
//
// The signal's handler only notes the signal and wakes the runtime's monitor, a thread that blocks all signals and runs
// no user code; the monitor starts a thread for the dump, which blocks them too. So it works while every worker is
// stuck in user code, and costs nothing before: no thread that waits, and no descriptor.
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <string>

#include "base/fatal.hpp"
#include "base/forked.hpp"
#include "base/signal_chain.hpp"
#include "debug/format.hpp"
#include "debug/output.hpp"
#include "debug/snapshot.hpp"
#include "fiber/report_hook.hpp"
#include "gossamer/debug.hpp"
#include "gossamer/errors.hpp"
#include "sched/runtime.hpp"
#include "sched/sample.hpp"

namespace gossamer::inline v0 {

namespace debug {

namespace {

constexpr int signal_count = 65;

// What a signal is to do, and how many have come that nobody has seen to. Relaxed: the futex of the monitor publishes.
enum class meaning : int { none, dump, dump_and_quit };
std::array<std::atomic<meaning>, signal_count> meanings{};
std::array<std::atomic<int>, signal_count> come{};

void on_signal(int signal) {
  const int saved = errno;
  if (!base::in_forked_child()) {
    come[static_cast<std::size_t>(signal)].fetch_add(1, std::memory_order_relaxed);
    sched::the_runtime.watcher.call_for_signal();
  }
  errno = saved;
}

bool install(int signal, meaning m) noexcept {
  meanings[static_cast<std::size_t>(signal)].store(m, std::memory_order_relaxed);
  struct sigaction ours{};
  ours.sa_handler = on_signal;
  ours.sa_flags = SA_RESTART | SA_ONSTACK;
  ::sigemptyset(&ours.sa_mask);
  return ::sigaction(signal, &ours, nullptr) == 0;
}

bool has(int signal, bool (*disposition)(const struct sigaction&) noexcept) noexcept {
  struct sigaction now{};
  return ::sigaction(signal, nullptr, &now) == 0 && disposition(now);
}

// A shell has those that it starts with `&` ignore SIGQUIT: that is nobody's wish, where main's own is. Before other
// constructors of the program.
constinit bool quit_was_ignored = false;
[[gnu::constructor(101)]] void look_at_inherited() noexcept { quit_was_ignored = has(SIGQUIT, base::is_ignored); }

void dump_to_stderr() noexcept {
  try {
    if (const error err = dump(STDERR_FILENO); err) {
      base::print_error("gossamer: " + err.text() + "\n");
    }
  } catch (...) {
    base::print_error("gossamer: no memory for a dump\n");
  }
}

void see_to_signals() noexcept {
  for (std::size_t s = 1; s < signal_count; ++s) {
    if (come[s].exchange(0, std::memory_order_relaxed) == 0) {
      continue;
    }
    if (meanings[s].load(std::memory_order_relaxed) == meaning::dump_and_quit) {
      base::begin_report();
      base::print_error("SIGQUIT: quit\n\n");
      dump_to_stderr();
      base::end_report();
    }
    dump_to_stderr();
  }
}

void* signal_thread(void*) {
  ::pthread_setname_np(::pthread_self(), "goss/dump");
  see_to_signals();
  return nullptr;
}

}  // namespace

error dump_on(int signal) {
  if (signal < 1 || signal >= signal_count || signal == SIGKILL || signal == SIGSTOP || signal == SIGSEGV ||
      signal == SIGBUS || signal == SIGFPE || signal == SIGILL || signal == sched::sample_signal) {
    return errors::make("gossamer: cannot dump on signal ", signal);
  }
  sched::the_runtime.ensure_running();  // its monitor
  return install(signal, meaning::dump) ? error() : errors::make("gossamer: cannot dump on signal ", signal);
}

}  // namespace debug

namespace hook {

void print_fibers(std::uint64_t but) noexcept {
  try {
    debug::filter all;
    all.stacks = true;
    debug::snapshot s(all, true);
    int fd = STDERR_FILENO;
    debug::output out(debug::sink{debug::put_to_descriptor, &fd});
    s.for_each([&](const debug::fiber_info& info) {
      if (info.id != but) {
        out.write("\n");
        out.write(debug::text_of(info, s.names()));
      }
    });
    out.finish();
  } catch (...) {
    base::print_error("(no memory for the other fibers)\n");
  }
}

void signal_has_come() noexcept {
  if (!sched::start_thread(debug::signal_thread, nullptr)) {
    debug::see_to_signals();
  }
}

void watch_for_signals(int dump_signal, bool quit_is_dump) noexcept {
  if (dump_signal != 0) {
    debug::install(dump_signal, debug::meaning::dump);
    return;
  }
  const bool is_free =
      debug::has(SIGQUIT, base::is_default) || (debug::quit_was_ignored && debug::has(SIGQUIT, base::is_ignored));
  if (quit_is_dump && is_free) {
    debug::install(SIGQUIT, debug::meaning::dump_and_quit);
  }
}

}  // namespace hook

}  // namespace gossamer::inline v0
