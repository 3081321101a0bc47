// Threads that compute, sleep, start other threads, and get other signals, while one of them halts the rest again and
// again, often with less patience than they need. Kills: a halt that takes who was only asked for one who stands, a
// thread that answers a halt that is over, a place that is counted before it is written or read before that, a halt
// that does not wait for who is about to write, and one in which handlers of other signals go on to run.
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "check.hpp"
#include "sched/halt.hpp"

namespace {

using namespace gossamer;

// One thread's. It writes it all the time; who halts it reads it twice.
struct alignas(64) counter {
  std::atomic<std::uint64_t> n{0};
  std::atomic<pid_t> thread{0};
};

constexpr std::size_t most = 64;
std::array<counter, most> counters;
std::atomic<std::uint64_t> handled{0};
std::atomic<bool> end{false};
constexpr int other_signal = SIGUSR2;

void count_signal(int) { handled.fetch_add(1); }

// A worker, from which its thread comes, takes none.
void take_signals() {
  sigset_t other;
  ::sigemptyset(&other);
  ::sigaddset(&other, other_signal);
  ::pthread_sigmask(SIG_UNBLOCK, &other, nullptr);
}

void count(counter& c, base::rng r, bool sleeps) {
  take_signals();
  c.thread = ::gettid();
  while (!end) {
    for (std::uint32_t i = r.below(2000); i != 0; --i) {
      c.n.fetch_add(1, std::memory_order_relaxed);
    }
    if (sleeps && r.below(4) == 0) {
      ::usleep(r.below(200));
    }
  }
}

// Its threads are there for a moment only.
void start_threads(counter& c, base::rng r) {
  take_signals();
  c.thread = ::gettid();
  while (!end) {
    std::thread([&c, &r] {
      for (std::uint32_t i = r.below(20'000); i != 0; --i) {
        c.n.fetch_add(1, std::memory_order_relaxed);
      }
    }).join();
  }
}

std::array<std::uint64_t, most + 1> all_counts() {
  std::array<std::uint64_t, most + 1> now{};
  std::transform(counters.begin(), counters.end(), now.begin(), [](const counter& c) { return c.n.load(); });
  now.back() = handled.load();
  return now;
}

// Allocates nothing: others stand still inside malloc.
void look(const sched::halt& all, pthread_t some, base::rng& r) {
  const auto before = all_counts();
  ::pthread_kill(some, other_signal);
  check::burn(std::chrono::microseconds(100) + check::up_to(r, 200));
  check::expect(before == all_counts(), "nobody but the caller runs in a halt");
  const auto stand = all.threads();
  for (const sched::halted& h : stand) {
    check::expect(h.stack_pointer != nullptr && h.saved != nullptr, "who stands has said where");
    check::expect(std::count_if(stand.begin(), stand.end(), [&](const auto& o) { return o.thread == h.thread; }) == 1,
                  "nobody has two places");
  }
  for (const counter& c : counters) {
    const pid_t t = c.thread;
    check::expect(t == 0 || std::any_of(stand.begin(), stand.end(), [&](const auto& h) { return h.thread == t; }),
                  "everybody has a place");
  }
}

void halt_them(std::size_t threads, std::uint64_t seed) {
  end = false;
  for (counter& c : counters) {
    c.thread = 0;
  }
  base::rng r(seed);
  std::vector<std::thread> all;
  for (std::size_t i = 0; i < threads; ++i) {
    counter& c = counters[i];
    const base::rng its(r.next());
    i % 8 == 3 ? all.emplace_back([&c, its] { start_threads(c, its); })
               : all.emplace_back([&c, its, i] { count(c, its, i % 2 == 0); });
    while (c.thread == 0) {
      std::this_thread::yield();
    }
  }
  int complete = 0;
  const auto stop = check::clock::now() + 1500ms;
  while (check::clock::now() < stop) {
    {
      const bool patient = r.below(4) == 0;
      const sched::halt now(patient ? std::chrono::microseconds(50'000) : check::up_to(r, 400));
      if (now.complete()) {
        ++complete;
        look(now, all[r.below(static_cast<std::uint32_t>(threads))].native_handle(), r);
      }
    }
    if (r.below(3) == 0) {
      check::burn(check::up_to(r, 300));
    }
  }
  check::expect(complete > 3, "a halt succeeds now and then");
  const auto before = all_counts();
  const auto limit = check::clock::now() + 10s;
  for (std::size_t i = 0; i < threads; ++i) {
    while (counters[i].n.load() == before[i]) {
      check::expect(check::clock::now() < limit, "all go on after a halt");
      std::this_thread::yield();
    }
  }
  end = true;
  for (std::thread& t : all) {
    t.join();
  }
}

}  // namespace

int main() {
  ::signal(other_signal, count_signal);
  return run([] {
    runtime::blocking([] {
      std::uint64_t seed = 1;
      for (const std::size_t threads : {1, 2, 8, 32}) {
        halt_them(threads, seed++);
      }
    });
    return 0;
  });
}
