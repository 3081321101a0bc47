// fmt: what println and its kin write, and what the library's values are on a std::ostream.
#include "gossamer/fmt.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <complex>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "child.hpp"
#include "fiber_test.hpp"
#include "gossamer/io.hpp"
#include "gossamer/net.hpp"

using namespace gossamer;
using gossamer::error;  // glibc has a function of that name
using support::run_child;

namespace app {

struct point {
  int x = 0, y = 0;
  friend std::ostream& operator<<(std::ostream& to, const point& p) { return to << '<' << p.x << ' ' << p.y << '>'; }
};
struct named {
  std::string text() const { return "named"; }
};
struct not_found : errors::base {
  std::string text() const override { return "not found"; }
};
struct list_of_one {
  int v = 1;
  const int* begin() const { return &v; }
  const int* end() const { return &v + 1; }
  friend std::ostream& operator<<(std::ostream& to, const list_of_one&) { return to << "own form"; }
};
enum class color { red, green };
enum old_color { old_red, old_green };
enum class shown { on };
std::ostream& operator<<(std::ostream& to, shown) { return to << "on"; }

}  // namespace app

namespace {

template <class T>
std::string text(const T& v) {
  return fmt::sprint{v};
}
template <class T>
std::string streamed(const T& v) {
  std::ostringstream to;
  to << v;
  return to.str();
}

}  // namespace

// The expected texts are what Go 1.27 prints of the same values.
PLAIN_TEST("numbers are printed as Go prints them") {
  CHECK(text(1.5) == "1.5");
  CHECK(text(0.0) == "0");
  CHECK(text(-0.0) == "-0");
  CHECK(text(100000.0) == "100000");
  CHECK(text(999999.0) == "999999");
  CHECK(text(123456.7) == "123456.7");
  CHECK(text(1e6) == "1e+06");
  CHECK(text(1234567.0) == "1.234567e+06");
  CHECK(text(123456789.0) == "1.23456789e+08");
  CHECK(text(1e20) == "1e+20");
  CHECK(text(1e21) == "1e+21");
  CHECK(text(1e100) == "1e+100");
  CHECK(text(0.0001) == "0.0001");
  CHECK(text(0.00001) == "1e-05");
  CHECK(text(2.5e-10) == "2.5e-10");
  CHECK(text(1.0 / 3) == "0.3333333333333333");
  CHECK(text(std::numeric_limits<double>::max()) == "1.7976931348623157e+308");
  CHECK(text(std::numeric_limits<double>::denorm_min()) == "5e-324");
  CHECK(text(HUGE_VAL) == "+Inf");
  CHECK(text(-HUGE_VAL) == "-Inf");
  CHECK(text(std::nan("")) == "NaN");
  CHECK(text(0.1F) == "0.1");
  CHECK(text(1.0F / 3) == "0.33333334");
  CHECK(text(16777216.0F) == "1.6777216e+07");
  CHECK(text(std::numeric_limits<float>::max()) == "3.4028235e+38");
  CHECK(text(1.5L) == "1.5");
  CHECK(text(std::complex(1.0, 2.0)) == "(1+2i)");
  CHECK(text(std::complex(1.5, -2.0)) == "(1.5-2i)");
  CHECK(text(std::complex(0.1F, 1e6F)) == "(0.1+1e+06i)");
  CHECK(text(std::complex(0.0, HUGE_VAL)) == "(0+Infi)");
  CHECK(text(true) == "true");
  CHECK(text(std::uint8_t{200}) == "200");
  CHECK(text(std::int8_t{-5}) == "-5");
  CHECK(text(std::byte{7}) == "7");
  CHECK(text(U'x') == "120");
  CHECK(text(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
  CHECK(text(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
}

PLAIN_TEST("durations and times are printed as Go prints them") {
  CHECK(text(1500ms) == "1.5s");
  CHECK(text(0s) == "0s");
  CHECK(text(100ns) == "100ns");
  CHECK(text(1500ns) == "1.5µs");
  CHECK(text(1h + 2min + 3s) == "1h2m3s");
  CHECK(text(time::duration::min()) == "-2562047h47m16.854775808s");
  CHECK(text(std::chrono::duration<double>(1.5)) == "1.5s");
  CHECK(text(std::vector<time::duration>{1s, 0s, 1500ns}) == "[1s 0s 1.5µs]");
  CHECK(text(time::time_point(12300ms)) == "m=+12.3");
  CHECK(text(time::time_point(-1ns)) == "m=-0.000000001");
}

CHILD_PROGRAM("prints wall times") {
  const auto at = std::chrono::system_clock::from_time_t(1709212455);
  fmt::println{at};
  fmt::println{at + 123456us, std::vector{at + 500ms}};
  fmt::println{std::chrono::system_clock::from_time_t(-86400 * 365)};
  using nanoseconds = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;
  fmt::println{nanoseconds::min()};
  fmt::println{nanoseconds::max(), nanoseconds(-1ns)};
  fmt::println{std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>(32503680000s)};
  return 0;
}
PLAIN_TEST("a time of day is printed in the local zone") {
  CHECK(run_child("prints wall times", {{"TZ", "UTC0"}}).out ==
        "2024-02-29 13:14:15 +0000 UTC\n"
        "2024-02-29 13:14:15.123456 +0000 UTC [2024-02-29 13:14:15.5 +0000 UTC]\n"
        "1969-01-01 00:00:00 +0000 UTC\n"
        "1677-09-21 00:12:43.145224192 +0000 UTC\n"
        "2262-04-11 23:47:16.854775807 +0000 UTC 1969-12-31 23:59:59.999999999 +0000 UTC\n"
        "3000-01-01 00:00:00 +0000 UTC\n");
  CHECK(support::starts_with(run_child("prints wall times", {{"TZ", "IST-5:30"}}).out,
                             "2024-02-29 18:44:15 +0530 IST\n"
                             "2024-02-29 18:44:15.123456 +0530 IST [2024-02-29 18:44:15.5 +0530 IST]\n"
                             "1969-01-01 05:30:00 +0530 IST\n"));
  CHECK(support::starts_with(run_child("prints wall times", {{"TZ", "EST5"}}).out, "2024-02-29 08:14:15 -0500 EST\n"));
}

PLAIN_TEST("strings are printed as they are, and nothing as <nil>") {
  const char* none = nullptr;
  char in_place[] = "abc";
  CHECK(text("a b") == "a b");
  CHECK(text(in_place) == "abc");
  CHECK(text(std::string("x\0y", 3)) == std::string("x\0y", 3));
  CHECK(text('c') == "c");
  CHECK(text(none) == "<nil>");
  CHECK(text(nil) == "<nil>");
  CHECK(text(std::nullopt) == "<nil>");
  CHECK(text(std::filesystem::path("/tmp/a b")) == "/tmp/a b");
  CHECK(text(std::filesystem::path("x")) == "x");
}

PLAIN_TEST("ranges are printed in brackets, maps with their keys in order") {
  const int three[] = {1, 2, 3};
  CHECK(text(std::vector{1, 2, 3}) == "[1 2 3]");
  CHECK(text(std::vector<int>()) == "[]");
  CHECK(text(three) == "[1 2 3]");
  CHECK(text(std::span(three)) == "[1 2 3]");
  CHECK(text(std::array<bool, 2>{true, false}) == "[true false]");
  CHECK(text(std::vector<bool>{true, false}) == "[true false]");
  CHECK(text(std::vector<bool>{true}[0]) == "true");
  CHECK(text(std::vector<std::uint8_t>{104, 105}) == "[104 105]");
  CHECK(text(std::vector<std::string>{"a", "b c"}) == "[a b c]");
  CHECK(text(std::vector<const char*>{"a", nullptr}) == "[a <nil>]");
  CHECK(text(std::list<std::vector<int>>{{1, 2}, {3}}) == "[[1 2] [3]]");
  CHECK(text(std::set<int>{3, 1}) == "[1 3]");
  CHECK(text(std::unordered_set<int>{30, 4, 17, 5}) == "[4 5 17 30]");
  CHECK(text(std::map<std::string, int>{{"b", 2}, {"a", 1}}) == "map[a:1 b:2]");
  CHECK(text(std::map<int, int>()) == "map[]");
  std::unordered_map<int, std::vector<std::string>> many;
  for (int i = 20; i > 0; --i) {
    many[i % 5].push_back(std::to_string(i));
  }
  CHECK(text(many) == "map[0:[20 15 10 5] 1:[16 11 6 1] 2:[17 12 7 2] 3:[18 13 8 3] 4:[19 14 9 4]]");
  const std::unordered_map<double, int> with_nan{{2, 2}, {std::nan(""), 1}, {-1, 3}};
  CHECK(text(with_nan) == "map[NaN:1 -1:3 2:2]");
  CHECK(text(std::unordered_map<bool, int>{{true, 1}, {false, 0}}) == "map[false:0 true:1]");
  CHECK(text(std::unordered_multimap<int, int>{{1, 1}, {1, 1}}) == "map[1:1 1:1]");
}

PLAIN_TEST("pairs and tuples are printed as structs, optionals and variants by what is in them") {
  CHECK(text(std::pair(1, "x")) == "{1 x}");
  CHECK(text(std::tuple()) == "{}");
  CHECK(text(std::tuple(1, std::vector{2.5}, false)) == "{1 [2.5] false}");
  CHECK(text(unit()) == "{}");
  CHECK(text(std::vector<std::pair<int, std::string>>{{1, "a"}, {2, ""}}) == "[{1 a} {2 }]");
  CHECK(text(std::map<std::string, unit>{{"k", {}}}) == "map[k:{}]");
  CHECK(text(std::optional(3)) == "3");
  CHECK(text(std::optional<std::string>()) == "<nil>");
  CHECK(text(std::vector<std::optional<int>>{1, std::nullopt}) == "[1 <nil>]");
  CHECK(text(std::variant<int, std::string>("s")) == "s");
  CHECK(text(std::variant<std::monostate, int>()) == "<nil>");
  CHECK(text(std::atomic<int>(4)) == "4");
  CHECK(text(std::atomic<bool>(true)) == "true");
  CHECK(text(std::atomic<double>(1e6)) == "1e+06");
  const std::vector<int> xs{1, 2};
  CHECK(text(std::cref(xs)) == "[1 2]");
}

PLAIN_TEST("errors and exceptions are printed by their text") {
  const error wrapped = errors::wrap(errors::make("no"), "job ", 7);
  CHECK(text(wrapped) == "job 7: no");
  CHECK(text(error()) == "<nil>");
  CHECK(text(io::eof) == "EOF");
  CHECK(text(std::vector<error>{io::eof, nil}) == "[EOF <nil>]");
  CHECK(text(std::pair<int, error>(0, nil)) == "{0 <nil>}");
  CHECK(text(app::not_found()) == "not found");
  const error found = app::not_found();
  CHECK(text(errors::as<app::not_found>(found)) == "not found");
  CHECK(text(errors::as<app::not_found>(wrapped)) == "<nil>");
  CHECK(text(std::make_error_code(std::errc::permission_denied)) == "Permission denied");
  CHECK(text(std::error_code()) == "<nil>");
  CHECK(text(std::runtime_error("what")) == "what");
  CHECK(text(std::make_exception_ptr(std::runtime_error("what"))) == "what");
  CHECK(text(std::exception_ptr()) == "<nil>");
}

PLAIN_TEST("pointers and channels are printed by their address, unless what is pointed to says what it is") {
  int n = 0;
  std::ostringstream address;
  address << &n;
  CHECK(text(&n) == address.str());
  CHECK(text(static_cast<const volatile int*>(&n)) == address.str());
  CHECK(text(static_cast<void*>(&n)) == address.str());
  CHECK(text(static_cast<int*>(nullptr)) == "<nil>");
  CHECK(text(std::unique_ptr<int>()) == "<nil>");
  const auto shared = std::make_shared<int>(1);
  CHECK(text(shared) == text(shared.get()));
  CHECK(text(std::vector{&n, static_cast<int*>(nullptr)}) == "[" + address.str() + " <nil>]");
  CHECK(support::starts_with(text(&run_child), "0x"));
  const auto ch = make_chan<int>(1);
  ch << 1;
  CHECK(support::starts_with(text(ch), "0x"));
  CHECK(text(recv_chan<int>(ch)) == text(ch));
  CHECK(text(send_chan<int>(ch)) == text(ch));
  CHECK(len(ch) == 1);
  CHECK(text(chan<int>()) == "<nil>");
  CHECK(text(net::conn()) == "<nil>");
  app::point p{1, 2};
  CHECK(text(&p) == "<1 2>");
  CHECK(text(std::make_unique<app::point>(p)) == "<1 2>");
  CHECK(text(std::shared_ptr<app::named>()) == "<nil>");
}

PLAIN_TEST("types of one's own are printed by text() or their operator<<") {
  CHECK(text(app::point{1, 2}) == "<1 2>");
  CHECK(text(app::named()) == "named");
  CHECK(text(app::list_of_one()) == "own form");
  CHECK(text(std::vector<app::point>{{1, 2}, {3, 4}}) == "[<1 2> <3 4>]");
  CHECK(text(std::map<int, app::point>{{1, {2, 3}}}) == "map[1:<2 3>]");
  CHECK(text(app::shown::on) == "on");
  CHECK(text(app::color::green) == "1");
  CHECK(text(app::old_green) == "1");
}

PLAIN_TEST("contexts, addresses, signals and panics are printed by their text, on streams too") {
  const auto root = context::background();
  CHECK(text(root) == "context.background");
  CHECK(streamed(root) == "context.background");
  CHECK(streamed(context::with_cancel(root).first) == "context.background.with_cancel");
  CHECK(streamed(context::context()) == "<nil>");
  CHECK(text(context::context()) == "<nil>");

  const net::ip local(127, 0, 0, 1);
  CHECK(streamed(local) == "127.0.0.1");
  CHECK(streamed(net::ip()) == "<nil>");
  CHECK(streamed(net::tcp_addr{local, 80}) == "127.0.0.1:80");
  CHECK(streamed(net::udp_addr{local, 53}) == "127.0.0.1:53");
  CHECK(streamed(net::unix_addr{"/run/x"}) == "/run/x");
  CHECK(streamed(net::addr(net::tcp_addr{local, 80})) == "127.0.0.1:80");
  CHECK(streamed(net::addr()) == "<nil>");
  CHECK(text(net::tcp_addr{local, 80}) == "127.0.0.1:80");
  CHECK(text(std::vector<net::addr>{net::tcp_addr{local, 80}, nil}) == "[127.0.0.1:80 <nil>]");

  CHECK(streamed(os::signal(SIGTERM)) == "terminated");
  CHECK(text(os::interrupt) == "interrupt");

  CHECK(streamed(app::not_found()) == "not found");
  CHECK(streamed(error(app::not_found())) == "not found");
  CHECK(streamed(io::eof) == "EOF");

  std::optional<panic_error> recovered;
  CHECK(streamed(recovered) == "<nil>");
  CHECK(text(recovered) == "<nil>");
  func([&](defers& defer) {
    defer([&] { recovered = defer.recover(); });
    panic("no");
  });
  CHECK(streamed(recovered) == "no");
  CHECK(streamed(*recovered) == "no");
  CHECK(text(recovered) == "no");
}

PLAIN_TEST("println puts spaces between all, print where neither is a string") {
  CHECK(fmt::sprintln{} == "\n");
  CHECK(fmt::sprint{} == "");
  CHECK(fmt::sprintln{"x", 1, true, nil} == "x 1 true <nil>\n");
  CHECK(fmt::sprintln{"", ""} == " \n");
  CHECK(fmt::sprint{"a", "b", 1, 2, true, "c", 3, io::eof, io::eof, "\n"} == "ab1 2 truec3 EOF EOF\n");
  CHECK(fmt::sprint{1, 2, "x", "y", 3.5, nil, nil} == "1 2xy3.5 <nil> <nil>");
  CHECK(fmt::sprint{std::vector{1}, std::vector{2}} == "[1] [2]");
  CHECK(fmt::sprint{"a", 'b', std::string("c"), 1, '-', 2} == "abc1-2");
  const std::string s = fmt::sprint{"n = ", 4};
  CHECK(s == "n = 4");
}

FIBER_TEST("what stands in the braces is evaluated from left to right") {
  const auto ch = make_chan<int>(8);
  for (int i = 1; i <= 8; ++i) {
    ch << i;
  }
  CHECK(fmt::sprintln{*ch, *ch, *ch, *ch} == "1 2 3 4\n");
  CHECK(fmt::sprint{*ch, *ch} == "5 6");
  std::ostringstream to;
  fmt::fprintln{to, *ch, *ch};
  CHECK(to.str() == "7 8\n");
}

PLAIN_TEST("fprintln writes to streams, to FILEs and to whatever has write()") {
  std::ostringstream stream;
  const auto [n, err] = fmt::fprintln{stream, "x", 1};
  fmt::fprint{stream, 2, 3};
  CHECK(n == 4);
  CHECK(err == nil);
  CHECK(stream.str() == "x 1\n2 3");
  stream.setstate(std::ios::badbit);
  CHECK(fmt::fprintln{stream, "x"}.err != nil);

  io::buffer buffer;
  fmt::fprintln{buffer, "in", "place"};
  fmt::fprintln{&buffer, 1};
  const io::writer handle(&buffer);
  fmt::fprint{handle, "end"};
  CHECK(buffer.text() == "in place\n1\nend");

  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* file = ::open_memstream(&text, &size);
  CHECK(fmt::fprintln{file, std::vector{1, 2}}.n == 6);
  std::fclose(file);
  CHECK(std::string(text, size) == "[1 2]\n");
  std::free(text);

  std::FILE* full = std::fopen("/dev/full", "w");
  const auto failed = fmt::fprintln{full, "x"};
  CHECK(errors::is(failed.err, std::errc::no_space_on_device));
  CHECK(failed.n == 0);
  std::fclose(full);
}

CHILD_PROGRAM("prints by all ways and panics") {
  return run([] {
    std::printf("printf\n");
    fmt::println{"println", 1};
    std::cout << "cout\n";
    const auto [n, err] = fmt::print{"print\n"};
    fmt::println{};
    fmt::println{n, err};
    fmt::print{"last", 1, "\n"};
    ::_exit(3);
  });
}
PLAIN_TEST("what println writes is out at once, behind what printf and cout wrote before") {
  const auto r = run_child("prints by all ways and panics");
  CHECK(r.exited_with(3));
  CHECK(r.out == "printf\nprintln 1\ncout\nprint\n\n6 <nil>\nlast1\n");
}

CHILD_PROGRAM("prints lines from many fibers") {
  return run(
      [] {
        sync::wait_group wg;
        for (int i = 0; i < 32; ++i) {
          wg.go([i] {
            for (int n = 0; n < 50; ++n) {
              fmt::println{"fiber", i, std::vector<int>(static_cast<std::size_t>(i), i), n};
            }
          });
        }
        wg.wait();
      },
      {.procs = 8});
}
PLAIN_TEST("lines of several fibers do not mix") {
  const auto r = run_child("prints lines from many fibers");
  CHECK(r.exited_with(0));
  std::vector<int> next(32);
  std::istringstream lines(r.out);
  int seen = 0;
  for (std::string line; std::getline(lines, line); ++seen) {
    int i = -1;
    std::sscanf(line.c_str(), "fiber %d", &i);
    REQUIRE(i >= 0);
    REQUIRE(i < 32);
    const auto at = static_cast<std::size_t>(i);
    const std::string whole = fmt::sprint{"fiber ", i, " ", std::vector<int>(at, i), next[at]++};
    CHECK(line == whole);
  }
  CHECK(seen == 32 * 50);
}

CHILD_PROGRAM("prints where nobody reads") {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return 1;
  }
  ::dup2(ends[1], STDOUT_FILENO);
  ::close(ends[0]);
  ::close(ends[1]);
  const bool ignored = std::getenv("IGNORED") != nullptr;
  ::signal(SIGPIPE, ignored ? SIG_IGN : SIG_DFL);
  return run([] { return errors::is(fmt::println{"x"}.err, std::errc::broken_pipe) ? 42 : 1; });
}
PLAIN_TEST("a program whose output nobody reads ends by SIGPIPE, unless it ignores it") {
  CHECK(run_child("prints where nobody reads").signal == SIGPIPE);
  CHECK(run_child("prints where nobody reads", {{"IGNORED", "1"}}).exited_with(42));
}
