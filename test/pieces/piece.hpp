// piece: what the tests of the lock-free pieces share. A piece is tested with plain threads, without the library and
// without annotations for the sanitizer: what a taker reads was written plainly before the push, so the thread
// sanitizer reports every memory order that is too weak. For the same reason no thread calls doctest (its locks would
// order what the piece must order): threads count, and the test checks once they have been joined.
#pragma once

#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <sched.h>
#include <time.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#define GOSSAMER_STRESS 1
#include "base/rng.hpp"
#include "base/stress.hpp"
#include "gossamer/detail/config.hpp"
#include "gossamer/detail/cpu_relax.hpp"

// The library's part of a spin lock's slow turn.
namespace gossamer::inline v0::detail {
GOSSAMER_API void yield_slice() noexcept;
void yield_slice() noexcept { ::sched_yield(); }
}  // namespace gossamer::inline v0::detail

namespace piece {

using gossamer::base::rng;

// Each thread's own sequence: a shared one would order the threads.
inline thread_local rng delays;

// Mostly nothing, now and then a pause or the rest of the time slice, seldom a sleep.
inline void delay() noexcept {
  const std::uint64_t choice = delays.next();
  if (choice % 32 == 0) {
    for (std::uint64_t i = (choice >> 8) % 128; i != 0; --i) {
      gossamer::detail::cpu_relax();
    }
  } else if (choice % 1024 == 1) {
    ::sched_yield();
  } else if (choice % 32768 == 2) {
    const timespec moment{0, 20'000};
    ::nanosleep(&moment, nullptr);
  }
}

// Runs work(i) in `n` threads, which begin together, each with its own seed; returns when all have ended.
template <class Work>
void in_threads(int n, std::uint64_t seed, Work work) {
  std::atomic<int> missing{n};
  std::vector<std::thread> threads;
  for (int i = 0; i < n; ++i) {
    threads.emplace_back([&, i] {
      delays = rng(seed * 1000 + static_cast<std::uint64_t>(i));
      --missing;
      while (missing.load() != 0) {
        ::sched_yield();
      }
      work(i);
    });
  }
  for (std::thread& t : threads) {
    t.join();
  }
}

// A wait for another thread: where the machine is busy with something else, who only yields gets little of it.
class turns {
 public:
  void once() noexcept {
    if (++n_ % 16 != 0) {
      ::sched_yield();
    } else {
      const timespec moment{0, 20'000};
      ::nanosleep(&moment, nullptr);
    }
  }

 private:
  unsigned n_ = 0;
};

// A test fails loudly rather than hang: true once `seconds` have passed since it was made.
class time_limit {
 public:
  explicit time_limit(int seconds) : end_(now() + seconds) {}
  bool passed() const { return now() > end_; }

 private:
  static std::int64_t now() {
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
  }
  std::int64_t end_;
};

// A private member of a class, by the one door that the language leaves open: an explicit instantiation. Tags are
// declared in this namespace, with `friend type member(tag);`.
template <class Tag, typename Tag::type Member>
struct open_member {
  friend typename Tag::type member(Tag) { return Member; }
};

// How much a test does: less where every access is instrumented.
#if defined(__SANITIZE_THREAD__)
inline constexpr int scale = 1;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
inline constexpr int scale = 1;
#else
inline constexpr int scale = 4;
#endif
#else
inline constexpr int scale = 4;
#endif

}  // namespace piece

// The perturbations inside the pieces.
void gossamer::base::stress_point() noexcept { piece::delay(); }
