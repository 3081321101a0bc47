#include "http/quote.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>

namespace gossamer::inline v0::http {

namespace {

struct rune {
  std::uint32_t value = 0;
  std::size_t bytes = 0;  // 0: no UTF-8
};

// The one at the front of `s`, which begins with a byte over 0x7f.
rune decode(std::string_view s) noexcept {
  const auto byte = [s](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(s[i])); };
  const std::uint32_t first = byte(0);
  const std::size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || s.size() < bytes) {
    return {};
  }
  std::uint32_t value = first & (0xffU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; i++) {
    if ((byte(i) & 0xc0U) != 0x80) {
      return {};
    }
    value = value << 6U | (byte(i) & 0x3fU);
  }
  constexpr std::array<std::uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  if (value < least[bytes] || (value >= 0xd800 && value <= 0xdfff) || value > 0x10ffff) {
    return {};
  }
  return {value, bytes};
}

// Blanks other than U+0020, controls, formats, private use and what is no character.
bool is_printable(std::uint32_t c) noexcept {
  struct range {
    std::uint32_t from, to;
  };
  static constexpr std::array<range, 17> hidden{{{0x80, 0xa0},
                                                 {0xad, 0xad},
                                                 {0x600, 0x605},
                                                 {0x61c, 0x61c},
                                                 {0x6dd, 0x6dd},
                                                 {0x70f, 0x70f},
                                                 {0x1680, 0x1680},
                                                 {0x180e, 0x180e},
                                                 {0x2000, 0x200f},
                                                 {0x2028, 0x202f},
                                                 {0x205f, 0x206f},
                                                 {0x3000, 0x3000},
                                                 {0xe000, 0xf8ff},
                                                 {0xfeff, 0xfeff},
                                                 {0xfff0, 0xfffb},
                                                 {0xe0000, 0xe00ff},
                                                 {0xf0000, 0x10ffff}}};
  return (c & 0xfffeU) != 0xfffe &&
         std::ranges::none_of(hidden, [c](const range& r) { return r.from <= c && c <= r.to; });
}

void append_ascii(std::string& to, char c) {
  constexpr std::string_view special = "\"\\\a\b\f\n\r\t\v";
  constexpr std::string_view letters = "\"\\abfnrtv";
  if (const std::size_t at = special.find(c); at != special.npos) {
    (to += '\\') += letters[at];
  } else {
    to += c;
  }
}

void append_hex(std::string& to, const char* format, std::uint32_t value) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), format, value);
  to += text.data();
}

}  // namespace

std::string quoted(std::string_view text) {
  std::string to = "\"";
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text.front());
    std::size_t bytes = 1;
    if (c >= 0x80) {
      if (const rune r = decode(text); r.bytes == 0) {
        append_hex(to, "\\x%02x", c);
      } else {
        bytes = r.bytes;
        if (is_printable(r.value)) {
          to += text.substr(0, bytes);
        } else {
          append_hex(to, r.value > 0xffff ? "\\U%08x" : "\\u%04x", r.value);
        }
      }
    } else if (c >= 0x7f || (c < ' ' && (c < '\a' || c > '\r'))) {
      append_hex(to, "\\x%02x", c);
    } else {
      append_ascii(to, text.front());
    }
    text.remove_prefix(bytes);
  }
  return to += '"';
}

}  // namespace gossamer::inline v0::http
