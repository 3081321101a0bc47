// hex: digits of base 16.
#pragma once

#include <string>
#include <string_view>

namespace gossamer::inline v0::http {

// -1 if it is none.
constexpr int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char letter = static_cast<char>(c | 0x20);
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

// Of the first two; -1 if they are none.
constexpr int hex_byte(std::string_view s) noexcept {
  const int high = s.size() < 2 ? -1 : hex_value(s[0]);
  const int low = s.size() < 2 ? -1 : hex_value(s[1]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

inline void append_hex(std::string& to, unsigned char byte, std::string_view digits) {
  to += digits[byte >> 4U];
  to += digits[byte & 15U];
}

inline constexpr std::string_view lower_hex = "0123456789abcdef";
inline constexpr std::string_view upper_hex = "0123456789ABCDEF";

}  // namespace gossamer::inline v0::http
