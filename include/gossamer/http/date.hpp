// http/date: moments as HTTP writes them.
// Source: Go's http.TimeFormat and ParseTime. Differs: seconds since 1970, which no year overflows.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "../detail/config.hpp"
#include "../error.hpp"

namespace gossamer::inline v0::http {

// The length of what format_time() gives.
inline constexpr std::size_t time_text_length = 29;

// `Mon, 02 Jan 2006 15:04:05 GMT`. For years from 0 to 9999. From anywhere.
[[nodiscard]] GOSSAMER_API std::string format_seconds(std::chrono::sys_seconds when);
// The same of any moment of the system's clock; parts of a second are dropped.
template <class Duration>
[[nodiscard]] std::string format_time(std::chrono::time_point<std::chrono::system_clock, Duration> when) {
  return format_seconds(std::chrono::floor<std::chrono::seconds>(when));
}
// The same in place, for who has room already: exactly time_text_length characters.
GOSSAMER_API void put_time(std::chrono::sys_seconds when, char* to) noexcept;

// What stands in Date, Last-Modified or Expires, in one of the three formats of RFC 9110, 5.6.7: the one above,
// `Monday, 02-Jan-06 15:04:05 GMT` and `Mon Jan _2 15:04:05 2006`. A name of a zone counts for nothing: it is GMT.
// Error: Go's of the last one, `parsing time "X" as "Mon Jan _2 15:04:05 2006": cannot parse "X" as "Mon"`. From
// anywhere.
[[nodiscard]] GOSSAMER_API std::pair<std::chrono::sys_seconds, gossamer::error> parse_time(std::string_view text);

}  // namespace gossamer::inline v0::http
