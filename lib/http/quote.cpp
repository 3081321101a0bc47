#include "http/quote.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>

#include "http/utf8.hpp"

namespace gossamer::inline v0::http {

namespace {

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

std::string quote(std::string_view text) {
  std::string to = "\"";
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text.front());
    std::size_t bytes = 1;
    if (c >= 0x80) {
      if (const rune r = decode_rune(text); r.bytes == 0) {
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
