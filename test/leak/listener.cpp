// What gossamer/leak_doctest.hpp does to tests that leak, and to tests that do not: doctest runs them, in a fiber and
// on a plain thread, and is asked for its exit code and for what it prints.
#define DOCTEST_CONFIG_IMPLEMENT
// While tests run doctest has a signal stack of its own: that of the thread that has begun them. Where they run in a
// fiber, another thread takes it back at the end, and the first would take its signals in memory that was freed.
#define DOCTEST_CONFIG_NO_POSIX_SIGNALS
#include <doctest/doctest.h>

#include <gossamer/gossamer.hpp>
#include <gossamer/leak_doctest.hpp>

#include <cstdio>
#include <sstream>
#include <string>
#include <string_view>

using namespace gossamer;

GOSSAMER_LEAK_LISTENER();

static chan<int> release = make_chan<int>();

static void leak_one() {
  go([ch = release] { ch.recv(); });
}

TEST_CASE("clean") {
  leak_one();
  release << 1;
}
TEST_CASE("leaky") { leak_one(); }
TEST_CASE("leaky and wrong") {
  leak_one();
  CHECK(1 == 2);
}
TEST_CASE_FIXTURE(leak::checked, "clean fixture") {
  leak_one();
  release << 1;
}
TEST_CASE_FIXTURE(leak::checked, "leaky fixture") { leak_one(); }

static int failures = 0;

static void expect(const char* filter, int failed, std::string_view part) {
  std::ostringstream out;
  doctest::Context context;
  context.setOption("test-case", filter);
  context.setOption("no-colors", true);
  context.setCout(&out);
  const int code = context.run();
  const std::string text = out.str();
  const bool right = code == (failed > 0 ? 1 : 0) && text.find(part) != text.npos &&
                     text.find(" " + std::to_string(failed) + " failed") != text.npos &&
                     (text.find("is alive") != text.npos) == (failed > 0);
  if (!right) {
    std::printf("FAILED: tests `%s` end with %d and say:\n%s\n", filter, code, text.c_str());
    ++failures;
  }
  while (runtime::num_fibers(runtime::status::waiting) > 0) {
    release << 1;
  }
}

static void expect_all() {
  expect("clean*", 0, "2 passed");
  expect("leaky", 1, "TEST CASE:  leaky\n\nleak: 1 fiber is alive after 1s\n1 fiber [chan receive, ");
  expect("leaky and wrong", 1, "1 == 2");
  expect("leaky fixture", 1, "leak: 1 fiber is alive after 1s");
  expect("clean,leaky", 1, " 1 passed");
}

int main() {
  run([] { expect_all(); });
  expect_all();
  std::printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
