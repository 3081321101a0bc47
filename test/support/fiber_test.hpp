// fiber_test: doctest cases for code that runs in fibers.
//
//   FIBER_TEST("wait returns only after the last done") { … }
//
// runs its body as the main fiber of gossamer::run() at 1, 2 and 8 workers in turn. A body fails if it leaves a fiber,
// a thread or a descriptor behind. A failed CHECK names the number of workers. PLAIN_TEST is the same for a body that
// runs on a plain thread, once, and starts fibers or runtimes of its own.
//
// In a body use CHECK only: REQUIRE throws (and an exception that leaves a fiber ends the process); INFO, CAPTURE and
// SUBCASE are per thread and break when a fiber moves.
#pragma once

#include <doctest/doctest.h>
#include <gossamer/gossamer.hpp>

#include <atomic>
#include <chrono>
#include <string>

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

// Waits until all other fibers have ended: the last act of a body whose fibers refer to its variables to their end.
inline void join_others() {
  CHECK(eventually([] { return gossamer::runtime::num_fibers() == 1; }));
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
