// hook: dumps that nobody calls for: by a signal, and by a fatal report.
//
// The signal's handler only notes the signal and wakes the runtime's monitor, a thread that blocks all signals and runs
// no user code; the monitor starts a thread for the dump, which blocks them too. So it works while every worker is
// stuck in user code, and costs nothing before: no thread that waits, and no descriptor.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <string>
#include <system_error>

#include "base/fatal.hpp"
#include "base/forked.hpp"
#include "base/knob.hpp"
#include "base/signal_chain.hpp"
#include "debug/format.hpp"
#include "debug/output.hpp"
#include "debug/snapshot.hpp"
#include "fiber/report_hook.hpp"
#include "gossamer/debug.hpp"
#include "gossamer/errors.hpp"
#include "sched/sample.hpp"
#include "sched/scheduler.hpp"

namespace gossamer::inline v0 {

namespace debug {

namespace {

constexpr int signal_count = 65;

// What a signal is to do, and how many have come that nobody has seen to. Relaxed: the futex of the monitor publishes.
enum class meaning : int { none, dump, dump_and_quit, dump_as_asked };
std::array<std::atomic<meaning>, signal_count> meanings{};
std::array<std::atomic<int>, signal_count> come{};

void on_signal(int signal) {
  const int saved = errno;
  if (!base::in_forked_child()) {
    come[static_cast<std::size_t>(signal)].fetch_add(1, std::memory_order_relaxed);
    sched::the_scheduler.watcher.call_for_signal();
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

// To stderr, and, where a report has begun, to the crash output.
error put_to_report(void* to, std::string_view piece) {
  error err = put_to_descriptor(to, piece);
  const bool kept = base::print_to_crash_output(piece);
  return kept ? error() : err;  // a stderr that has gone ends nothing while somebody has it all
}

void dump_to(int fd, format how) noexcept {
  try {
    descriptor to{fd};
    if (const error err = dump(sink{fd == STDERR_FILENO ? put_to_report : put_to_descriptor, &to}, how); err) {
      base::print_error("gossamer: " + err.text() + "\n");
    }
  } catch (...) {
    base::print_error("gossamer: no memory for a dump\n");
  }
}

format format_of(base::dump_format f) noexcept {
  switch (f) {
    case base::dump_format::groups:
      return format::groups;
    case base::dump_format::json:
      return format::json;
    case base::dump_format::pprof:
      return format::pprof;
    case base::dump_format::folded:
      return format::folded;
    case base::dump_format::text:
      break;
  }
  return format::text;
}

// -1: errno says why. A link may lead to a file that its maker could not write himself; those in /dev are the system's.
int open_for_dump(const std::string& path, format how) noexcept {
  const bool whole = how == format::json || how == format::pprof;  // a second one behind it would be no document
  const bool follows = path.compare(0, 5, "/dev/") == 0;
  // Nonblocking: a fifo that nobody reads is refused.
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (whole ? O_TRUNC : O_APPEND);
  return ::open(path.c_str(), flags | (follows ? 0 : O_NOFOLLOW), 0600);
}

// What the environment asks for.
void dump_as_asked() noexcept {
  const base::knob& asked = base::the_knob();
  const format how = format_of(asked.dump_as);
  if (asked.dump_path.empty()) {
    dump_to(STDERR_FILENO, how);
    return;
  }
  const int fd = open_for_dump(asked.dump_path, how);
  if (fd < 0) {
    const int problem = errno;
    try {
      base::print_error("gossamer: cannot dump to " + asked.dump_path + ": " +
                        std::error_code(problem, std::generic_category()).message() + "\n");
    } catch (...) {
      base::print_error("gossamer: cannot dump to the file that GOSSAMER names\n");
    }
    dump_to(STDERR_FILENO, how);
    return;
  }
  struct stat now{};
  if (how == format::text && ::fstat(fd, &now) == 0 && now.st_size > 0) {
    static_cast<void>(!::write(fd, "\n", 1));  // between two dumps as between two fibers
  }
  dump_to(fd, how);
  ::close(fd);
}

void see_to_signals() noexcept {
  for (std::size_t s = 1; s < signal_count; ++s) {
    if (come[s].exchange(0, std::memory_order_relaxed) == 0) {
      continue;
    }
    const meaning m = meanings[s].load(std::memory_order_relaxed);
    if (m == meaning::dump_and_quit) {
      base::begin_report();
      base::print_error("SIGQUIT: quit\n\n");
      dump_to(STDERR_FILENO, format::text);
      base::end_report();
    }
    if (m == meaning::dump_as_asked) {
      dump_as_asked();
    } else {
      dump_to(STDERR_FILENO, format::text);
    }
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
  sched::the_scheduler.ensure_running();  // its monitor
  return install(signal, meaning::dump) ? error() : errors::make("gossamer: cannot dump on signal ", signal);
}

}  // namespace debug

namespace hook {

void print_fibers(std::uint64_t but) noexcept {
  try {
    debug::filter all;
    all.stacks = true;
    debug::snapshot s(all, true);
    debug::descriptor to{STDERR_FILENO};
    debug::output out(debug::sink{debug::put_to_report, &to});
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

void watch_for_signals(const base::knob& asked) noexcept {
  if (asked.dump_signal.value_or(0) != 0) {
    debug::install(*asked.dump_signal, debug::meaning::dump_as_asked);
    return;
  }
  const bool is_free =
      debug::has(SIGQUIT, base::is_default) || (debug::quit_was_ignored && debug::has(SIGQUIT, base::is_ignored));
  if (!asked.dump_signal && is_free) {
    debug::install(SIGQUIT, debug::meaning::dump_and_quit);
  }
}

}  // namespace hook

}  // namespace gossamer::inline v0
