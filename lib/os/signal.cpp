// signal: what Go calls each signal. See gossamer/os.hpp.
// Source: the table of Go's package syscall. Differs: by the names of <csignal>, so that it fits every architecture.
#include <csignal>
#include <cstddef>
#include <ostream>

#include "gossamer/detail/text.hpp"
#include "gossamer/os.hpp"

namespace gossamer::inline v0::os {

static_assert(interrupt.number() == SIGINT && kill.number() == SIGKILL);

namespace {

struct named {
  int number;
  const char* text;
};
constexpr named names[] = {
    {SIGHUP, "hangup"},
    {SIGINT, "interrupt"},
    {SIGQUIT, "quit"},
    {SIGILL, "illegal instruction"},
    {SIGTRAP, "trace/breakpoint trap"},
    {SIGABRT, "aborted"},
    {SIGBUS, "bus error"},
    {SIGFPE, "floating point exception"},
    {SIGKILL, "killed"},
    {SIGUSR1, "user defined signal 1"},
    {SIGSEGV, "segmentation fault"},
    {SIGUSR2, "user defined signal 2"},
    {SIGPIPE, "broken pipe"},
    {SIGALRM, "alarm clock"},
    {SIGTERM, "terminated"},
#ifdef SIGSTKFLT
    {SIGSTKFLT, "stack fault"},
#endif
    {SIGCHLD, "child exited"},
    {SIGCONT, "continued"},
    {SIGSTOP, "stopped (signal)"},
    {SIGTSTP, "stopped"},
    {SIGTTIN, "stopped (tty input)"},
    {SIGTTOU, "stopped (tty output)"},
    {SIGURG, "urgent I/O condition"},
    {SIGXCPU, "CPU time limit exceeded"},
    {SIGXFSZ, "file size limit exceeded"},
    {SIGVTALRM, "virtual timer expired"},
    {SIGPROF, "profiling timer expired"},
    {SIGWINCH, "window changed"},
    {SIGIO, "I/O possible"},
#ifdef SIGPWR
    {SIGPWR, "power failure"},
#endif
    {SIGSYS, "bad system call"},
};

}  // namespace

std::string signal::text() const {
  for (const named& n : names) {
    if (n.number == number_) {
      return n.text;
    }
  }
  std::string text = "signal ";
  detail::append_signed(text, number_);
  return text;
}

std::ostream& operator<<(std::ostream& to, signal s) { return to << s.text(); }

}  // namespace gossamer::inline v0::os
