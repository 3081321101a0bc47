// One worker, and a fiber that computes for 3 ms at a time and then makes a call that may block, but need not wait: it
// gives way, on its own thread, and what its queues do not hold has its turn, too. Kills: a fiber that does not, a
// worker that does not look around, a request to give way that stands for ever.
#include <unistd.h>

#include <atomic>
#include <mutex>

#include "check.hpp"

namespace {

using namespace gossamer;
using check::expect;

// Another thread stands in where this one gets no CPU: so it is tried several times.
bool gives_way(sync::mutex& mu) {
  for (int i = 0; i < 20; ++i) {
    std::atomic<pid_t> second{0};
    pid_t first = 0;
    go([&second] { second = ::gettid(); });
    while (second == 0) {
      first = ::gettid();
      check::burn(3ms);
      const std::scoped_lock hold(mu);
    }
    if (first == second) {
      return true;
    }
  }
  return false;
}

// Nobody but the sleeper waits, and no other worker looks after it.
bool wakes_a_sleeper(sync::mutex& mu) {
  std::atomic<bool> woken{false};
  go([&woken] {
    time::sleep(20ms);
    woken = true;
  });
  runtime::gosched();
  for (int i = 0; i < 1000 && !woken; ++i) {
    check::burn(3ms);
    const std::scoped_lock hold(mu);
  }
  return woken;
}

}  // namespace

int main() {
  return run(
      [] {
        sync::mutex mu;
        expect(gives_way(mu), "a fiber that computes gives way in a call that may block");
        expect(wakes_a_sleeper(mu), "beside such a fiber a sleeper is woken");
        check::burn(30ms);  // it is asked, and then makes no such call
        for (int i = 0; i < 200 && detail::resched_requests != 0; ++i) {
          time::sleep(10ms);
        }
        expect(detail::resched_requests == 0, "a request that nobody needs any more is taken back");
      },
      {.procs = 1});
}
