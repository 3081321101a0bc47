#include "http/base64.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace gossamer::inline v0::http {

namespace {

constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr auto value_table = [] {
  std::array<std::int8_t, 256> t{};
  t.fill(-1);
  for (std::size_t i = 0; i < digits.size(); i++) {
    t[static_cast<unsigned char>(digits[i])] = static_cast<std::int8_t>(i);
  }
  return t;
}();

}  // namespace

std::string encode_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (; !bytes.empty(); bytes.remove_prefix(bytes.size() < 3 ? bytes.size() : 3)) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; i++) {
      group = group << 8U | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; i++) {
      out += i <= bytes.size() ? digits[group >> (18 - 6 * i) & 63U] : '=';
    }
  }
  return out;
}

std::optional<std::string> decode_base64(std::string_view text) {
  std::string out;
  std::uint32_t group = 0;
  std::size_t count = 0;  // digits of the group
  std::size_t padding = 0;
  for (const char c : text) {
    if (c == '\r' || c == '\n') {
      continue;
    }
    if (c == '=') {
      padding++;
      continue;
    }
    const int value = value_table[static_cast<unsigned char>(c)];
    if (value < 0 || padding > 0) {
      return {};
    }
    group = group << 6U | static_cast<std::uint32_t>(value);
    if (++count == 4) {
      out += {static_cast<char>(group >> 16U), static_cast<char>(group >> 8U), static_cast<char>(group)};
      group = 0;
      count = 0;
    }
  }
  // Two digits hold a byte and two paddings follow, three hold two and one follows.
  if (count == 1 || padding != (count == 0 ? 0 : 4 - count)) {
    return {};
  }
  if (count >= 2) {
    group <<= 6 * (4 - count);
    out += static_cast<char>(group >> 16U);
  }
  if (count == 3) {
    out += static_cast<char>(group >> 8U);
  }
  return out;
}

}  // namespace gossamer::inline v0::http
