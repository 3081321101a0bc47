// ascii: letters, tokens and fields as RFC 9110 has them, whatever the locale.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace gossamer::inline v0::http {

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
constexpr char upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) noexcept { return lower(c) >= 'a' && lower(c) <= 'z'; }

namespace ascii_detail {
inline constexpr auto token_table = [] {
  std::array<bool, 256> t{};
  for (std::size_t i = 0; i < t.size(); i++) {
    const char c = static_cast<char>(i);
    t[i] = is_digit(c) || is_letter(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  }
  return t;
}();
}  // namespace ascii_detail

constexpr bool is_token_char(char c) noexcept { return ascii_detail::token_table[static_cast<unsigned char>(c)]; }
constexpr bool is_token(std::string_view s) noexcept { return !s.empty() && std::ranges::all_of(s, is_token_char); }

constexpr bool same_name(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return x == y || lower(x) == lower(y); });
}

constexpr std::string_view trim(std::string_view s) noexcept {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) {
    s.remove_prefix(1);
  }
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) {
    s.remove_suffix(1);
  }
  return s;
}

// Whether a list of tokens, as Connection's is, has this one.
constexpr bool has_token(std::string_view list, std::string_view token) noexcept {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (same_name(trim(list.substr(0, comma)), token)) {
      return true;
    }
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

// See canonical_header_key().
inline void canonicalize(std::string& name) noexcept {
  if (!is_token(name)) {
    return;
  }
  bool first = true;
  for (char& c : name) {
    c = first ? upper(c) : lower(c);
    first = c == '-';
  }
}

}  // namespace gossamer::inline v0::http
