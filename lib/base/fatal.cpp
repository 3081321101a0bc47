// fatal: see fatal.hpp.
#include "base/fatal.hpp"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/without_sigpipe.hpp"

namespace gossamer::inline v0::base {

namespace {

constinit std::atomic<pid_t> reporter{0};
constinit std::atomic<int> crash_output{-1};

// A socket that takes nothing is given so long.
bool await_room(int number) noexcept {
  pollfd ready{number, POLLOUT, 0};
  int n = 0;
  do {
    n = ::poll(&ready, 1, 5000);
  } while (n < 0 && errno == EINTR);
  return n > 0;
}

// False where it could not.
bool write_all(int number, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t n = ::write(number, text.data(), text.size());
    if (n > 0) {
      text.remove_prefix(static_cast<std::size_t>(n));
    } else if (n == 0 || (errno != EINTR && !(errno == EAGAIN && await_room(number)))) {
      return false;
    }
  }
  return true;
}

}  // namespace

void print_error(std::string_view text) noexcept {
  write_all(STDERR_FILENO, text);
  print_to_crash_output(text);
}

int set_crash_output(int number) noexcept { return crash_output.exchange(number); }

bool print_to_crash_output(std::string_view text) noexcept {
  const int number = crash_output.load();
  if (number < 0 || reporter.load() == 0) {
    return false;
  }
  const without_sigpipe quiet;  // whoever should read it may be gone
  const bool written = write_all(number, text);
  if (!written) {
    crash_output.store(-1);  // it is not waited for again
  }
  return written;
}

bool report_has_begun() noexcept { return reporter.load() != 0; }

void begin_report() noexcept {
  const pid_t self = ::gettid();
  pid_t first = 0;
  // seq_cst: who gives the crash output up looks here afterwards, and the report takes its number after this.
  if (reporter.compare_exchange_strong(first, self) || first == self) {
    return;
  }
  for (;;) {
    ::pause();
  }
}

void give_way_to_report() noexcept {
  if (reporter.load(std::memory_order_relaxed) != 0) {  // relaxed: nothing else is published
    begin_report();
  }
}

void forget_report() noexcept { reporter.store(0, std::memory_order_relaxed); }  // relaxed: there is one thread

void quit(int code) noexcept {
  // Not fflush(nullptr): it would wait for a thread that blocks in a read of stdin.
  if (::ftrylockfile(stdout) == 0) {
    ::fflush_unlocked(stdout);
    ::funlockfile(stdout);
  }
  ::_exit(code);
}

constinit traceback traceback_level = traceback::single;

void end_report() noexcept {
  if (traceback_level == traceback::crash) {
    struct sigaction standard{};
    standard.sa_handler = SIG_DFL;
    ::sigaction(SIGABRT, &standard, nullptr);
    std::abort();
  }
  quit(2);
}

void fatal(std::string_view text) noexcept {
  begin_report();
  print_error("fatal error: ");
  print_error(text);
  print_error("\n");
  on_fatal();
  end_report();
}

}  // namespace gossamer::inline v0::base
