// fatal: see fatal.hpp.
#include "base/fatal.hpp"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace gossamer::inline v0::base {

void print_error(std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t n = ::write(STDERR_FILENO, text.data(), text.size());
    if (n > 0) {
      text.remove_prefix(static_cast<std::size_t>(n));
    } else if (n == 0 || errno != EINTR) {
      return;
    }
  }
}

namespace {

constinit std::atomic<pid_t> reporter{0};

}  // namespace

void begin_report() noexcept {
  const pid_t self = ::gettid();
  pid_t first = 0;
  // relaxed: nothing else is published.
  if (reporter.compare_exchange_strong(first, self, std::memory_order_relaxed) || first == self) {
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
