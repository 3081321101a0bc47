// split: the split functions of a scanner. See gossamer/io/scanner.hpp.

#include <cassert>

#include "gossamer/io/scanner.hpp"

namespace gossamer::inline v0::io {

namespace {

constexpr char32_t no_character = 0xfffd;

// The character at the beginning of a text.
struct decoded {
  char32_t value;     // no_character where the bytes are none
  std::size_t bytes;  // 0 if the text is empty
  bool cut = false;   // it could be the beginning of a character, and the text ends before the rest
};

// Source: RFC 3629, section 4. Neither overlong forms nor surrogates, as in Go's utf8.DecodeRune: a byte that does not
// begin a character is one of its own.
decoded decode(std::string_view text) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.empty()) {
    return {no_character, 0};
  }
  const unsigned first = at(0);
  if (first < 0x80) {
    return {first, 1};
  }
  if (first < 0xc2 || first > 0xf4) {
    return {no_character, 1};
  }
  const std::size_t bytes = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const unsigned least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  char32_t value = first & (0xffU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if (i == text.size()) {
      return {no_character, 1, true};
    }
    if (at(i) < (i == 1 ? least : 0x80) || at(i) > (i == 1 ? most : 0xbf)) {
      return {no_character, 1};
    }
    value = value << 6 | (at(i) & 0x3fU);
  }
  assert(value <= 0x10ffff && (value < 0xd800 || value > 0xdfff));
  assert(value >= (bytes == 2 ? 0x80U : bytes == 3 ? 0x800U : 0x10000U));
  return {value, bytes};
}

// Unicode's White_Space. Source: Go's bufio.isSpace.
bool is_space(char32_t c) noexcept {
  if (c <= 0xff) {
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xa0;
  }
  return (c >= 0x2000 && c <= 0x200a) || c == 0x1680 || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

std::string_view without_cr(std::string_view line) noexcept {
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

}  // namespace

split_result scan_lines(std::string_view data, bool at_end) {
  if (const auto at = data.find('\n'); at != data.npos) {
    return {static_cast<std::int64_t>(at) + 1, without_cr(data.substr(0, at))};
  }
  if (at_end && !data.empty()) {
    return {static_cast<std::int64_t>(data.size()), without_cr(data)};
  }
  return {};
}

split_result scan_words(std::string_view data, bool at_end) {
  std::size_t begin = 0;
  while (begin < data.size()) {
    const decoded c = decode(data.substr(begin));
    if (!is_space(c.value)) {
      break;
    }
    begin += c.bytes;
  }
  assert(begin <= data.size());
  for (std::size_t i = begin; i < data.size();) {
    const decoded c = decode(data.substr(i));
    if (is_space(c.value)) {
      return {static_cast<std::int64_t>(i + c.bytes), data.substr(begin, i - begin)};
    }
    i += c.bytes;
  }
  if (at_end && begin < data.size()) {
    return {static_cast<std::int64_t>(data.size()), data.substr(begin)};
  }
  // The white space before a word need not be kept.
  return {static_cast<std::int64_t>(begin)};
}

split_result scan_runes(std::string_view data, bool at_end) {
  const decoded c = decode(data);
  if (c.bytes == 0 || (c.cut && !at_end)) {
    return {};
  }
  const bool none = c.value == no_character && c.bytes == 1;
  return {static_cast<std::int64_t>(c.bytes), none ? "\xef\xbf\xbd" : data.substr(0, c.bytes)};
}

split_result scan_bytes(std::string_view data, bool) {
  if (data.empty()) {
    return {};
  }
  return {1, data.substr(0, 1)};
}

}  // namespace gossamer::inline v0::io
