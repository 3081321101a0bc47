// cookie_text: which bytes may stand in a cookie. RFC 6265, 4.1.1; values may hold blanks and commas, in quotes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace gossamer::inline v0::http {

// Of a header with more none is read. Go's limit.
inline constexpr std::size_t max_cookies = 3000;

constexpr bool is_cookie_value_char(char c) noexcept {
  return c >= ' ' && c < '\x7f' && c != '"' && c != ';' && c != '\\';
}
constexpr bool is_cookie_path_char(char c) noexcept { return c >= ' ' && c < '\x7f' && c != ';'; }

// Of a host's name, with or without a leading dot, or an IPv4 address.
bool is_cookie_domain(std::string_view domain);

// `';'`, `'\\x00'`: a byte in single quotes, as Go's %q.
std::string quoted_byte(char c);

// The value as it is sent: in quotes where it has to be, without what may not stand there, which is logged.
std::string cookie_value_text(std::string_view value, bool quoted);
std::string cookie_path_text(std::string_view path);

}  // namespace gossamer::inline v0::http
