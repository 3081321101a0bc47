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
  return ::poll(&ready, 1, 5000) > 0;
}

void write_all(int number, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t n = ::write(number, text.data(), text.size());
    if (n > 0) {
      text.remove_prefix(static_cast<std::size_t>(n));
    } else if (n == 0 || (errno != EINTR && !(errno == EAGAIN && await_room(number)))) {
      return;
    }
  }
}

}  // namespace

void print_error(std::string_view text) noexcept {
  write_all(STDERR_FILENO, text);
  print_to_crash_output(text);
}

int set_crash_output(int number) noexcept { return crash_output.exchange(number); }

void print_to_crash_output(std::string_view text) noexcept {
  const int number = crash_output.load();
  // relaxed: nothing else is published.
  if (number >= 0 && reporter.load(std::memory_order_relaxed) != 0) {
    const without_sigpipe quiet;  // whoever should read it may be gone
    write_all(number, text);
  }
}

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
