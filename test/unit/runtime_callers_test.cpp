// runtime: the caller's own stack as addresses, and what they are; and the library's version.
#include <gossamer/callers.hpp>
#include <gossamer/debug.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <vector>

#include "fiber_test.hpp"

using namespace gossamer;

namespace callers_test {

using stack = std::array<const void*, 64>;

// Each is a frame of its own.
[[gnu::noinline]] std::size_t innermost(int skip, std::span<const void*> to) {
  const std::size_t n = runtime::callers(skip, to);
  asm volatile("" ::: "memory");  // no tail call
  return n;
}
[[gnu::noinline]] std::size_t middle(int skip, std::span<const void*> to) {
  const std::size_t n = innermost(skip, to);
  asm volatile("" ::: "memory");
  return n;
}
[[gnu::noinline]] std::size_t outer(int skip, std::span<const void*> to) {
  const std::size_t n = middle(skip, to);
  asm volatile("" ::: "memory");
  return n;
}
std::size_t deep(int depth, std::span<const void*> to);
std::size_t (*volatile again)(int, std::span<const void*>) = deep;  // or a compiler puts several into one frame
[[gnu::noinline]] std::size_t deep(int depth, std::span<const void*> to) {
  const std::size_t n = depth > 0 ? again(depth - 1, to) : runtime::callers(1, to);
  asm volatile("" ::: "memory");
  return n;
}

std::vector<runtime::frame> frames_of(std::span<const void* const> addresses) {
  std::vector<runtime::frame> all;
  runtime::frames f = runtime::callers_frames(addresses);
  for (bool more = !addresses.empty(); more;) {
    runtime::frame one;
    std::tie(one, more) = f.next();
    all.push_back(std::move(one));
  }
  const auto [none, more] = f.next();
  CHECK(!more);
  CHECK(none.pc == nullptr);
  return all;
}

// Where the library knows no local symbols (without libbacktrace) nothing is known of them.
bool is(const runtime::frame& f, std::string_view name) {
  return f.function.empty() || f.function.find(name) != f.function.npos;
}

}  // namespace callers_test

using namespace callers_test;

FIBER_TEST("callers: the addresses are those of the functions that have called, and skip leaves some out") {
  stack all;
  const std::size_t n = outer(0, all);
  CHECK(n >= 4);
  const std::vector<runtime::frame> frames = frames_of(std::span(all).first(n));
  CHECK(frames.size() >= 4);
  if (frames.size() < 4) {
    return;
  }
  CHECK(is(frames[0], "runtime::callers"));
  CHECK(is(frames[1], "innermost"));
  CHECK(is(frames[2], "middle"));
  CHECK(is(frames[3], "outer"));
  for (const runtime::frame& f : frames) {
    CHECK(f.pc != nullptr);
  }
  CHECK((frames[1].function.empty() || frames[1].entry == reinterpret_cast<const void*>(&innermost)));
  CHECK(frames[1].pc > frames[1].entry);
  for (int skip = 1; skip < 4; ++skip) {
    stack fewer;
    const std::size_t m = outer(skip, fewer);
    CHECK(m == n - static_cast<std::size_t>(skip));
    // The one above, in this test, is another call's.
    CHECK((skip == 3 || fewer[0] == all[static_cast<std::size_t>(skip)]));
  }
  stack none;
  CHECK(outer(1000, none) == 0);
  CHECK(outer(-1, none) == n);
}

FIBER_TEST("callers: of a stack that does not fit the innermost are there, however deep it is") {
  std::array<const void*, 3> few;
  CHECK(outer(1, few) == 3);
  CHECK(is(frames_of(few)[0], "innermost"));
  CHECK(outer(0, few) == 3);
  CHECK(is(frames_of(few)[0], "runtime::callers"));
  CHECK(outer(0, std::span<const void*>()) == 0);
  CHECK(outer(1, std::span<const void*>()) == 0);
  constexpr int depth = 300;
  std::vector<const void*> all(1000);
  const std::size_t n = deep(depth, all);
  CHECK(n > depth);
  CHECK(n < depth + 50);
  for (std::size_t i = 2; i < depth; ++i) {
    CHECK(all[i] == all[1]);
  }
  std::array<const void*, 10> ten;
  CHECK(deep(depth, ten) == 10);
  CHECK(ten[9] == all[9]);
}

FIBER_TEST("callers: many fibers at once each see their own stack") {
  stack wanted;
  const std::size_t most = outer(1, wanted);
  CHECK(most >= 3);
  support::crew all;
  for (int i = 0; i < 16; ++i) {
    all.go([&] {
      for (int n = 0; n < support::scale(200); ++n) {
        stack mine;
        const std::size_t found = outer(1, mine);
        CHECK(found >= 3);
        CHECK(mine[0] == wanted[0]);
        CHECK(mine[1] == wanted[1]);
        runtime::gosched();
      }
    });
  }
  all.join();
}

PLAIN_TEST("callers: on a plain thread as in a fiber") {
  std::thread([] {
    stack all;
    const std::size_t n = outer(0, all);
    CHECK(n >= 4);
    const std::vector<runtime::frame> frames = frames_of(std::span(all).first(n));
    CHECK(is(frames[0], "runtime::callers"));
    CHECK(is(frames[1], "innermost"));
    CHECK(is(frames[2], "middle"));
    CHECK(is(frames[3], "outer"));
    stack fewer;
    CHECK(outer(2, fewer) == n - 2);
    CHECK(fewer[0] == all[2]);
  }).join();
}

FIBER_TEST("callers_frames: a frame has its source file and line, where the program has debug information") {
  std::array<const void*, 1> one;
  CHECK(innermost(1, one) == 1);
  const runtime::frame f = frames_of(one)[0];
  const debug::source_line line = debug::lines_of(one[0]).back();
  CHECK(f.line == line.line);
  CHECK(f.file == line.file);
  CHECK((f.line == 0 || f.file.find("runtime_callers_test.cpp") != f.file.npos));
}

FIBER_TEST("callers_frames: frames move, and of no addresses there are none") {
  runtime::frames none;
  CHECK(!none.next().second);
  CHECK(frames_of({}).empty());
  stack all;
  const std::size_t n = outer(1, all);
  runtime::frames first = runtime::callers_frames(std::span(all).first(n));
  all.fill(nullptr);  // copied
  CHECK(is(first.next().first, "innermost"));
  runtime::frames second = std::move(first);
  CHECK(is(second.next().first, "middle"));
  first = std::move(second);
  CHECK(is(first.next().first, "outer"));
}

PLAIN_TEST("version: the library's name and number") {
  const std::string_view v = runtime::version();
  CHECK(v.starts_with("gossamer 0."));
  CHECK(v.find_first_not_of("0123456789.", sizeof "gossamer") == v.npos);
}
