// time: durations as text, and back.
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fiber_test.hpp"

using namespace gossamer;

namespace {

using parsed = std::pair<time::duration, gossamer::error>;

std::string problem_of(std::string_view s) {
  const auto [d, err] = time::parse_duration(s);
  CHECK(d == 0ns);
  return err ? err.text() : "none";
}

const auto longest = time::duration::max();
const auto shortest = time::duration::min();

}  // namespace

PLAIN_TEST("parse_duration: numbers with units, one behind the other, with a sign before them") {
  for (const auto& [text, d] : std::vector<std::pair<std::string, time::duration>>{
           {"0", 0s},
           {"+0", 0s},
           {"-0", 0s},
           {"0s", 0s},
           {"7s", 7s},
           {"+7s", 7s},
           {"-7s", -7s},
           {"4096s", 4096s},
           {"007s", 7s},
           // fractions
           {"5.0s", 5s},
           {"5.6s", 5600ms},
           {"5.s", 5s},
           {".5s", 500ms},
           {"-.5s", -500ms},
           {"1.004s", 1004ms},
           {"1.0040s", 1004ms},
           {"100.00100s", 100001ms},
           // units
           {"10ns", 10ns},
           {"11us", 11us},
           {"12\u00b5s", 12us},
           {"12\u03bcs", 12us},
           {"13ms", 13ms},
           {"14s", 14s},
           {"15m", 15min},
           {"16h", 16h},
           // several, in any order and more than once
           {"3h30m", 3h + 30min},
           {"10.5s4m", 4min + 10500ms},
           {"-2m3.4s", -(2min + 3400ms)},
           {"1h2m3s4ms5us6ns", 1h + 2min + 3s + 4ms + 5us + 6ns},
           {"39h9m14.425s", 39h + 9min + 14425ms},
           {"1s1s", 2s},
           // large, and finer than a nanosecond
           {"52763797000ns", 52763797000ns},
           {"0.3333333333333333333h", 20min},
           {"0.9ns", 0ns},
           {"9007199254740993ns", 9007199254740993ns},
           {"9223372036854775807ns", longest},
           {"9223372036854775.807us", longest},
           {"9223372036s854ms775us807ns", longest},
           {"-9223372036854775808ns", shortest},
           {"-9223372036854775.808us", shortest},
           {"-9223372036s854ms775us808ns", shortest},
           {"-2562047h47m16.854775808s", shortest},
           {"0.100000000000000000000h", 6min},
           {"0.830103483285477580700h", 49min + 48s + 372539827ns},
       }) {
    const parsed p = time::parse_duration(text);
    CHECK(p.second == nil);
    CHECK(std::pair(text, p.first.count()) == std::pair(text, d.count()));
  }
}

PLAIN_TEST("parse_duration: what is none is refused in Go's words") {
  for (const std::string text : {"",
                                 "-",
                                 "+",
                                 "s",
                                 ".",
                                 "-.",
                                 ".s",
                                 "+.s",
                                 "--1s",
                                 "+-1s",
                                 " 1s",
                                 "1s ,",
                                 "x",
                                 "-x1s",
                                 "3000000h",
                                 "9223372036854775808ns",
                                 "9223372036854775.808us",
                                 "9223372036854ms775us808ns",
                                 "-9223372036854775809ns",
                                 "99999999999999999999s",
                                 "18446744073709551616ns",
                                 "2562047h48m",
                                 "1s9223372036854775807ns"}) {
    // What follows a unit is part of its name until the next digit: `1s ,`.
    const std::string expected =
        text == "1s ," ? "time: unknown unit \"s ,\" in duration \"1s ,\"" : "time: invalid duration \"" + text + "\"";
    CHECK(problem_of(text) == expected);
  }
  CHECK(problem_of("3") == "time: missing unit in duration \"3\"");
  CHECK(problem_of("-3.5") == "time: missing unit in duration \"-3.5\"");
  CHECK(problem_of("1.") == "time: missing unit in duration \"1.\"");
  CHECK(problem_of("1.2.3s") == "time: missing unit in duration \"1.2.3s\"");
  CHECK(problem_of("00") == "time: missing unit in duration \"00\"");
  CHECK(problem_of("1h2") == "time: missing unit in duration \"1h2\"");
  CHECK(problem_of("3d") == "time: unknown unit \"d\" in duration \"3d\"");
  CHECK(problem_of("3S") == "time: unknown unit \"S\" in duration \"3S\"");
  CHECK(problem_of("1h 2m") == "time: unknown unit \"h \" in duration \"1h 2m\"");
  CHECK(problem_of("5s-3s") == "time: unknown unit \"s-\" in duration \"5s-3s\"");
}

PLAIN_TEST("parse_duration: what cannot be printed is quoted by its bytes") {
  CHECK(problem_of("\x85\x85") == "time: invalid duration \"\\x85\\x85\"");
  CHECK(problem_of("\xff"
                   "ff") == "time: invalid duration \"\\xffff\"");
  CHECK(problem_of("hello \xff"
                   "ff world") == "time: invalid duration \"hello \\xffff world\"");
  CHECK(problem_of("\uFFFD") == "time: invalid duration \"\\xef\\xbf\\xbd\"");
  CHECK(problem_of("1\u00e9") == "time: unknown unit \"\\xc3\\xa9\" in duration \"1\\xc3\\xa9\"");
  CHECK(problem_of("\"\\\n\t\x7f") == "time: invalid duration \"\\\"\\\\\\x0a\\x09\x7f\"");
  CHECK(problem_of(std::string_view("1s\0", 3)) == "time: unknown unit \"s\\x00\" in duration \"1s\\x00\"");
}

PLAIN_TEST("parse_duration: gives back what time::text() has printed") {
  for (const time::duration d : {longest, shortest, 0ns, 1ns, -1ns, 999ns, 1001ns, 59s + 999999999ns}) {
    CHECK(time::parse_duration(time::text(d)) == parsed(d, nil));
  }
  std::uint64_t random = 1;
  for (int i = 0; i < 10'000; ++i) {
    random = random * 6364136223846793005U + 1442695040888963407U;
    const time::duration d = std::chrono::milliseconds(static_cast<std::int32_t>(random >> 32));
    CHECK(time::parse_duration(time::text(d)) == parsed(d, nil));
  }
}
