// signal::stop() beside handlers of the program's own: a signal that comes at the same moment is on the channel or in
// the handler, and once.
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include "fiber_test.hpp"
#include "signals.hpp"

using namespace gossamer;
using support::calls;
using support::eventually;
using support::installed;
using support::scale;
using support::unblock;

namespace {

std::atomic<int> handled{0};
std::atomic<int> sent_by_us{0};  // by what the handler is told of the sender

template <int>
void plain_handler(int) {
  ++handled;
}

template <int>
void handler_with_info(int, siginfo_t* info, void*) {
  sent_by_us += info->si_pid == ::getpid() && info->si_code == SI_QUEUE && info->si_value.sival_int == 4711;
  ++handled;
}

// One thread that sends a signal to itself each time it is told to: when await() returns its handlers have run.
class sender {
 public:
  explicit sender(int number)
      : thread_([this, number] {
          unblock(number);
          for (int done = 0;;) {
            const int goal = wanted_.load();
            if (goal < 0) {
              return;
            }
            if (goal == done) {
              std::this_thread::yield();
              continue;
            }
            sigval value{};
            value.sival_int = 4711;
            started_ = goal;
            ::pthread_sigqueue(::pthread_self(), number, value);
            // The thread sanitizer keeps a signal back and runs its handler at the end of the thread's next atomic
            // operation: that must not be the one that says that the handler has run.
            done = started_;
            sent_ = goal;
          }
        }) {}
  sender(const sender&) = delete;
  sender& operator=(const sender&) = delete;
  ~sender() {
    wanted_ = -1;
    thread_.join();
  }
  // Returns about when it sends it.
  void start() {
    const int goal = ++wanted_;
    runtime::blocking([&] {
      while (started_ != goal) {
        std::this_thread::yield();
      }
    });
  }
  void await() {
    runtime::blocking([&] {
      while (sent_ != wanted_) {
        std::this_thread::yield();
      }
    });
  }

 private:
  std::atomic<int> wanted_{0};
  std::atomic<int> started_{0};
  std::atomic<int> sent_{0};
  std::thread thread_;
};

void spin(int times) {
  for (int i = 0; i < times; ++i) {
    asm volatile("" ::: "memory");
  }
}

// How many rounds have not seen theirs, or have seen it more than `most` times.
int wrong_rounds(int number, int rounds, int most = 1) {
  int wrong = 0;
  sender other(number);
  for (int round = 0; round < rounds; ++round) {
    const auto ch = make_chan<os::signal>(4);
    handled = 0;
    signal::notify(ch, number);
    other.start();
    spin(round * 7919 % 6000);
    signal::stop(ch);
    const int came = static_cast<int>(len(ch));
    other.await();
    wrong += came + handled < 1 || came + handled > most || static_cast<int>(len(ch)) != came;
  }
  return wrong;
}

}  // namespace

FIBER_TEST("SI2: a signal beside stop is on the channel or in the program's own handler, and once") {
  const installed own(SIGUSR1, calls(plain_handler<0>));
  CHECK(wrong_rounds(SIGUSR1, scale(3000)) == 0);
}

FIBER_TEST("SI2: so it is with each of several handlers that are installed between one notify and the next") {
  for (int i = 0; i < 3; ++i) {
    {
      const installed own(SIGUSR2, calls(plain_handler<1>));
      CHECK(wrong_rounds(SIGUSR2, scale(1000)) == 0);
    }
    {
      const installed own(SIGUSR2, calls(handler_with_info<1>));
      CHECK(wrong_rounds(SIGUSR2, scale(1000)) == 0);
    }
  }
}

FIBER_TEST("SI2: a handler that is told of the sender is told of the right one") {
  const installed own(SIGHUP, calls(handler_with_info<2>));
  sent_by_us = 0;
  int in_handler = 0;
  sender other(SIGHUP);
  for (int round = 0; round < scale(1000); ++round) {
    const auto ch = make_chan<os::signal>(4);
    handled = 0;
    signal::notify(ch, SIGHUP);
    other.start();
    spin(round * 7919 % 6000);
    signal::stop(ch);
    other.await();
    CHECK(static_cast<int>(len(ch)) + handled == 1);
    in_handler += handled;
  }
  CHECK(sent_by_us == in_handler);
}

FIBER_TEST("SI2: a signal that was ignored before comes at most once beside stop, and not after it") {
  struct sigaction nothing{};
  nothing.sa_handler = SIG_IGN;
  const installed ignored(SIGUSR1, nothing);
  sender other(SIGUSR1);
  for (int round = 0; round < scale(500); ++round) {
    const auto ch = make_chan<os::signal>(4);
    signal::notify(ch, SIGUSR1);
    other.start();
    spin(round * 7919 % 6000);
    signal::stop(ch);
    const auto came = len(ch);
    CHECK(came <= 1);
    other.await();
    CHECK(len(ch) == came);
    CHECK(signal::ignored(SIGUSR1));
  }
}

#if !GOSSAMER_TSAN  // which keeps a signal back that comes to the thread in run()
FIBER_TEST("SI2: a signal of another process beside stop is on the channel or in the program's handler, and once") {
  const installed own(SIGUSR2, calls(plain_handler<3>));
  std::FILE* const shell = ::popen("while read line; do kill -USR2 $PPID; done", "w");
  CHECK(shell != nullptr);
  if (shell == nullptr) {
    return;
  }
  const int rounds = scale(1000);
  int total = 0;
  for (int round = 0; round < rounds; ++round) {
    const auto ch = make_chan<os::signal>(4);
    handled = 0;
    signal::notify(ch, SIGUSR2);
    std::fputs("go\n", shell);
    std::fflush(shell);
    spin(round * 7919 % 200'000);
    signal::stop(ch);
    const auto came = len(ch);
    CHECK(eventually([&] { return static_cast<int>(came) + handled >= 1; }));
    CHECK(len(ch) == came);
    total += static_cast<int>(came) + handled;
  }
  runtime::blocking([&] { ::pclose(shell); });
  CHECK(total == rounds);
}
#endif

namespace {

struct sigaction replaced_by_next{};

// Goes on to what it has replaced.
void goes_on(int n, siginfo_t* info, void* at) {
  if (++handled < 100) {  // for a signal that would come again for ever
    replaced_by_next.sa_sigaction(n, info, at);
  }
}

}  // namespace

FIBER_TEST("SI2: so it is where the handler has taken the signal over before, and goes on to the library's") {
  const installed own(SIGUSR1, calls(plain_handler<4>));
  const struct sigaction next = calls(goes_on);
  const auto ch = make_chan<os::signal>(4);
  signal::notify(ch, SIGUSR1);
  ::sigaction(SIGUSR1, &next, &replaced_by_next);
  signal::stop(ch);
  // It is in both if the library's still counts when the handler goes on to it.
  CHECK(wrong_rounds(SIGUSR1, scale(500), 2) == 0);
}
