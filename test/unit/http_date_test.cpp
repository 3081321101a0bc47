// Moments as HTTP writes them; results and texts are Go's.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "gossamer/http/date.hpp"

using namespace gossamer;

namespace {

std::chrono::sys_seconds at(std::int64_t seconds) { return std::chrono::sys_seconds(std::chrono::seconds(seconds)); }

std::int64_t seconds_of(std::string_view text) {
  const auto [when, err] = http::parse_time(text);
  CHECK_MESSAGE(!err, err);
  return when.time_since_epoch().count();
}

std::string failure(std::string_view text) {
  const gossamer::error err = http::parse_time(text).second;
  return err ? err.text() : "none";
}

}  // namespace

TEST_CASE("http date: the format that is sent") {
  CHECK(http::format_time(at(784111777)) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(http::format_time(at(0)) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(http::format_time(at(-1)) == "Wed, 31 Dec 1969 23:59:59 GMT");
  CHECK(http::format_time(at(951782400)) == "Tue, 29 Feb 2000 00:00:00 GMT");
  CHECK(http::format_time(at(253402300799)) == "Fri, 31 Dec 9999 23:59:59 GMT");
  const std::chrono::system_clock::time_point parts = at(7) + std::chrono::milliseconds(999);
  CHECK(http::format_time(parts) == "Thu, 01 Jan 1970 00:00:07 GMT");
}

TEST_CASE("http date: three formats are read") {
  CHECK(seconds_of("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777);
  CHECK(seconds_of("Sunday, 06-Nov-94 08:49:37 GMT") == 784111777);
  CHECK(seconds_of("Sun Nov  6 08:49:37 1994") == 784111777);
  CHECK(seconds_of("Fri, 31 Dec 9999 23:59:59 GMT") == 253402300799);
}

TEST_CASE("http date: what else is let through") {
  CHECK(seconds_of("Mon, 06 Nov 1994 08:49:37 GMT") == 784111777);  // another day of the week
  CHECK(seconds_of("sUN, 06 nov 1994 8:49:37 GMT") == 784111777);
  CHECK(seconds_of("Sun,  06   Nov 1994 08:49:37   GMT") == 784111777);
  CHECK(seconds_of("Sunday, 06-Nov-68 08:49:37 EST") == 3119417377);
  CHECK(seconds_of("Sunday, 06-Nov-69 08:49:37 GMT+3") == -4806623);
  CHECK(seconds_of("Sun Nov 3 8:49:07.123 1994") == 783852547);
  CHECK(seconds_of("Thu Feb 29 00:00:00 2024") == 1709164800);
}

TEST_CASE("http date: what is malformed says so as Go does") {
  CHECK(failure("") == R"(parsing time "" as "Mon Jan _2 15:04:05 2006": cannot parse "" as "Mon")");
  CHECK(failure("Sun, 06 Nov 1994 08:49:37 UTC") ==
        R"(parsing time "Sun, 06 Nov 1994 08:49:37 UTC" as "Mon Jan _2 15:04:05 2006": cannot parse )"
        R"(", 06 Nov 1994 08:49:37 UTC" as " ")");
  CHECK(failure("Sun Nov 31 08:49:37 1994") == R"(parsing time "Sun Nov 31 08:49:37 1994": day out of range)");
  CHECK(failure("Sun Nov 3 28:49:37 1994") == R"(parsing time "Sun Nov 3 28:49:37 1994": hour out of range)");
  CHECK(failure("Sun Nov 3 8:49:60 1994") == R"(parsing time "Sun Nov 3 8:49:60 1994": second out of range)");
  CHECK(failure("Sun Nov 3 8:49:07 1994 x") == R"(parsing time "Sun Nov 3 8:49:07 1994 x": extra text: " x")");
  CHECK(failure("Thu Feb 29 00:00:00 2023") == R"(parsing time "Thu Feb 29 00:00:00 2023": day out of range)");
  CHECK(
      failure("Sun Nov \"\xc3\xa9\n") ==
      R"(parsing time "Sun Nov \"\xc3\xa9\x0a" as "Mon Jan _2 15:04:05 2006": cannot parse "\"\xc3\xa9\x0a" as "_2")");
}
