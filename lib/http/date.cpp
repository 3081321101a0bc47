#include "gossamer/http/date.hpp"

#include <array>
#include <cstring>

#include "http/time_layout.hpp"

namespace gossamer::inline v0::http {

namespace {

char* put_digits(char* to, unsigned n, int count) noexcept {
  for (int i = count; i-- > 0; n /= 10) {
    to[i] = static_cast<char>('0' + n % 10);
  }
  return to + count;
}

char* put_text(char* to, std::string_view text) noexcept {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

}  // namespace

void put_time(std::chrono::sys_seconds when, char* to) noexcept {
  constexpr std::string_view days = "SunMonTueWedThuFriSat";
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const auto day = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::year_month_day date(day);
  const auto second = static_cast<unsigned>((when - day).count());
  to = put_text(to, days.substr(std::size_t{3} * std::chrono::weekday(day).c_encoding(), 3));
  to = put_text(to, ", ");
  to = put_digits(to, static_cast<unsigned>(date.day()), 2);
  *to++ = ' ';
  to = put_text(to, months.substr(std::size_t{3} * (static_cast<unsigned>(date.month()) - 1), 3));
  *to++ = ' ';
  to = put_digits(to, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  *to++ = ' ';
  to = put_digits(to, second / 3600, 2);
  *to++ = ':';
  to = put_digits(to, second / 60 % 60, 2);
  *to++ = ':';
  to = put_digits(to, second % 60, 2);
  put_text(to, " GMT");
}

std::string format_seconds(std::chrono::sys_seconds when) {
  std::string text(time_text_length, ' ');
  put_time(when, text.data());
  return text;
}

std::pair<std::chrono::sys_seconds, gossamer::error> parse_time(std::string_view text) {
  constexpr std::array<std::string_view, 2> first = {"Mon, 02 Jan 2006 15:04:05 GMT", "Monday, 02-Jan-06 15:04:05 MST"};
  for (const std::string_view layout : first) {
    if (auto read = parse_layout(layout, text); !read.second) {
      return read;
    }
  }
  return parse_layout("Mon Jan _2 15:04:05 2006", text);
}

}  // namespace gossamer::inline v0::http
