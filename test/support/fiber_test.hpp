// fiber_test: doctest cases for code that runs in fibers.
//
//   FIBER_TEST("wait returns only after the last done") { … }
//
// runs its body as the main fiber of gossamer::run() at 1, 2, 8 and 32 workers in turn. A body fails if it leaves a
// fiber, a thread or a descriptor behind. A failed CHECK names the number of workers. PLAIN_TEST is the same for a body
// that runs on a plain thread, once, and starts fibers or runtimes of its own.
//
// In a body use CHECK only: REQUIRE throws (and an exception that leaves a fiber ends the process); INFO, CAPTURE and
// SUBCASE are per thread and break when a fiber moves.
#pragma once

#include <doctest/doctest.h>
#include <gossamer/gossamer.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

// CHECK shows what an atomic held.
template <class T>
struct doctest::StringMaker<std::atomic<T>> {
  static doctest::String convert(const std::atomic<T>& a) { return doctest::toString(a.load()); }
};

namespace support {

#if GOSSAMER_TSAN
inline constexpr int slowdown = 20;
#elif GOSSAMER_ASAN
inline constexpr int slowdown = 5;
#elif defined(GOSSAMER_STRESS) && GOSSAMER_STRESS
inline constexpr int slowdown = 3;
#else
inline constexpr int slowdown = 1;
#endif

// How many rounds a test should make where it would make n in a release build.
constexpr int scale(int n) { return n / slowdown > 0 ? n / slowdown : 1; }

// No wait of a test that passes comes near it.
inline constexpr std::chrono::seconds patience{10 + 2 * slowdown};

void run_at_each_width(void (*body)());
void run_plain(void (*body)());

// The number of workers that the body runs at.
int width() noexcept;

// Yields until condition() holds (true) or patience is at an end (false): CHECK(eventually(…)).
template <class Condition>
bool eventually(Condition condition) {
  const auto limit = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > limit) {
      return false;
    }
    gossamer::runtime::gosched();
  }
  return true;
}

// For what a limit ends that is short, so that the test is. Calls attempt(limit) with longer and longer limits until it
// says that the limit was no shorter than the machine took for what had to come first (true), or patience is at an end
// (false).
template <class Attempt>
bool with_a_limit(std::chrono::nanoseconds limit, Attempt attempt) {
  while (!attempt(limit)) {
    if ((limit *= 2) > patience) {
      return false;
    }
  }
  return true;
}

// Fibers that are all waited for before what they refer to goes: declare a crew after it. (A body may not count on
// num_fibers() for that: seeing that a fiber has ended is no edge of the memory model.)
class crew {
 public:
  crew() = default;
  crew(const crew&) = delete;
  crew& operator=(const crew&) = delete;
  ~crew() { join(); }
  template <class F>
  void go(F f) {
    members_.add(1);
    gossamer::go([this, f = std::move(f)]() mutable {
      f();
      members_.done();
    });
  }
  void join() { members_.wait(); }

 private:
  gossamer::sync::wait_group members_;
};

// Uses about that much stack, page by page.
[[gnu::noinline]] inline int use_stack(std::size_t bytes) {
  char room[4096];
  char* const first = room;
  asm volatile("" : : "r"(first) : "memory");
  for (std::size_t i = 0; i < sizeof room; i += 512) {
    room[i] = 1;
  }
  const int deeper = bytes > 2 * sizeof room ? use_stack(bytes - sizeof room) : 0;
  asm volatile("" : : "r"(first) : "memory");
  return deeper + room[0];
}

// Uses CPU, without yielding, until that much time has passed.
inline void spin_for(std::chrono::nanoseconds d) {
  const auto end = std::chrono::steady_clock::now() + d;
  while (std::chrono::steady_clock::now() < end) {
  }
}

// The text of the panic that f() ends in; "(no panic)" if it returns.
template <class F>
std::string panic_of(F&& f) {
  try {
    f();
  } catch (const gossamer::panic_error& p) {
    return p.text();
  }
  return "(no panic)";
}

}  // namespace support

#define FIBER_TEST(title) SUPPORT_TEST_(title, run_at_each_width, DOCTEST_ANONYMOUS(body_of_test_))
#define PLAIN_TEST(title) SUPPORT_TEST_(title, run_plain, DOCTEST_ANONYMOUS(body_of_test_))
#define SUPPORT_TEST_(title, runner, body)     \
  static void body();                          \
  TEST_CASE(title) { support::runner(&body); } \
  static void body()
