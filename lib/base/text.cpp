// text: see gossamer/detail/text.hpp.
#include "gossamer/detail/text.hpp"

#include <charconv>
#include <chrono>

namespace gossamer::inline v0::detail {

namespace {

template <class N>
void append_number(std::string& to, N n) {
  char digits[64];
  const auto [end, problem] = std::to_chars(digits, digits + sizeof digits, n);
  to.append(digits, end);
}

}  // namespace

void append_signed(std::string& to, long long n) { append_number(to, n); }
void append_unsigned(std::string& to, unsigned long long n) { append_number(to, n); }
void append_float(std::string& to, double n) { append_number(to, n); }

void append_decimal(std::string& to, std::uint64_t n, int digits) {
  std::string text;
  append_unsigned(text, n);
  if (text.size() <= static_cast<std::size_t>(digits)) {
    text.insert(0, static_cast<std::size_t>(digits) + 1 - text.size(), '0');
  }
  text.insert(text.size() - static_cast<std::size_t>(digits), 1, '.');
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') {
    text.pop_back();
  }
  to += text;
}

// Source: Go's Duration.String.
void append_duration(std::string& to, std::chrono::nanoseconds d) {
  std::uint64_t n = static_cast<std::uint64_t>(d.count());
  if (d.count() < 0) {
    to += '-';
    n = 0 - n;
  }
  constexpr std::uint64_t second = 1'000'000'000;
  if (n == 0) {
    to += "0s";
  } else if (n < 1'000) {
    append_decimal(to, n, 0);
    to += "ns";
  } else if (n < 1'000'000) {
    append_decimal(to, n, 3);
    to += "µs";
  } else if (n < second) {
    append_decimal(to, n, 6);
    to += "ms";
  } else {
    const std::uint64_t minutes = n / second / 60;
    if (minutes >= 60) {
      append_unsigned(to, minutes / 60);
      to += 'h';
    }
    if (minutes > 0) {
      append_unsigned(to, minutes % 60);
      to += 'm';
    }
    append_decimal(to, n % (60 * second), 9);
    to += 's';
  }
}

}  // namespace gossamer::inline v0::detail
