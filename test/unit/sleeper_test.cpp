// How an idle worker's thread sleeps and is woken, on its word or in the poller.
#include "sched/sleeper.hpp"

#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "base/rng.hpp"
#include "fiber_test.hpp"
#include "gossamer/detail/cpu_relax.hpp"

using namespace gossamer;
using namespace std::chrono_literals;
using sched::sleeper;

namespace {

// What the poller is to the sleeper: something to wait in that can be interrupted.
class bell {
 public:
  bell() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  bell(const bell&) = delete;
  bell& operator=(const bell&) = delete;
  ~bell() { ::close(fd_); }
  void ring() {
    const std::uint64_t one = 1;
    CHECK(::write(fd_, &one, sizeof one) == sizeof one);
  }
  // False if it has not rung for half a minute.
  bool wait() {
    pollfd p{fd_, POLLIN, 0};
    const bool rang = ::poll(&p, 1, 30'000) == 1;
    std::uint64_t n = 0;
    return rang && ::read(fd_, &n, sizeof n) == sizeof n;
  }

 private:
  int fd_;
};

}  // namespace

PLAIN_TEST("a worker seems asleep from its start on, and whenever it says so") {
  sleeper s;
  CHECK(s.is_asleep());
  s.mark_awake();
  CHECK_FALSE(s.is_asleep());
  s.mark_asleep();
  CHECK(s.is_asleep());
  CHECK(s.seems_asleep());
}

PLAIN_TEST("a sleep ends at its time, or by a wake, which is told from the next one's beginning on") {
  sleeper s;
  s.begin();
  CHECK_FALSE(s.sleep_until(detail::after(detail::now(), 1ms)));
  CHECK_FALSE(s.wake(true));  // it is not in the poller
  CHECK(s.is_woken());
  CHECK(s.was_woken_to_search());
  CHECK(s.sleep_until(detail::no_deadline));
  s.begin();
  CHECK_FALSE(s.is_woken());
  CHECK_FALSE(s.wake(false));
  CHECK_FALSE(s.was_woken_to_search());
}

PLAIN_TEST(
    "a worker that has been woken does not wait in the poller, and one that may wait there is to be interrupted") {
  sleeper s;
  s.begin();
  CHECK_FALSE(s.wake(false));
  CHECK_FALSE(s.begin_polling());
  s.end_polling();
  s.begin();
  CHECK(s.begin_polling());
  CHECK(s.is_polling());
  CHECK(s.wake(false));
  s.end_polling();
  CHECK_FALSE(s.is_polling());
  s.begin_asking();
  s.end_polling();
  CHECK(s.polls() == 3);
}

PLAIN_TEST("what a worker may have in hand is told for as long as it may") {
  sleeper s;
  CHECK_FALSE(s.may_have_claimed());
  {
    const sleeper::in_hand claimed(s);
    CHECK(s.may_have_claimed());
  }
  CHECK_FALSE(s.may_have_claimed());
}

PLAIN_TEST("no wake is lost, whether the worker sleeps on its word or waits in the poller") {
  constexpr int rounds = 20'000;
  sleeper s;
  bell poller;
  std::atomic<bool> idle{false};
  std::atomic<bool> lost{false};
  std::thread waker([&] {
    base::rng rng(2);
    for (int i = 0; i < rounds && !lost;) {
      bool expected = true;
      if (!idle.compare_exchange_strong(expected, false)) {
        ::sched_yield();
        continue;
      }
      for (std::uint32_t pause = rng.below(50); pause > 0; --pause) {
        detail::cpu_relax();
      }
      if (s.wake(i % 2 == 0)) {
        poller.ring();
      }
      ++i;
    }
  });
  base::rng rng(1);
  long rings = 0;
  for (int i = 0; i < rounds && !lost; ++i) {
    s.begin();
    idle.store(true);
    for (std::uint32_t pause = rng.below(50); pause > 0; --pause) {
      detail::cpu_relax();
    }
    if (rng.below(2) == 0) {
      if (s.begin_polling()) {
        lost = lost || !poller.wait();
        ++rings;
      }
      s.end_polling();
    }
    // A late ring is waited for by the next that polls, who then sleeps on its word.
    lost = lost || !s.sleep_until(detail::after(detail::now(), 30s));
    if (s.was_woken_to_search() != (i % 2 == 0)) {
      lost = true;
    }
  }
  waker.join();
  CHECK_FALSE(lost);
  CHECK(rings > 0);
}
