// What is read of cookies: Cookie and Set-Cookie fields. See gossamer/http/cookie.hpp.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <string>

#include "gossamer/http/cookie.hpp"
#include "gossamer/http/request.hpp"
#include "http/ascii.hpp"
#include "http/cookie_text.hpp"
#include "http/cut.hpp"
#include "http/time_layout.hpp"

namespace gossamer::inline v0::http {

namespace {

using std::string_view;

std::size_t count_parts(string_view line) noexcept {
  return static_cast<std::size_t>(std::ranges::count(line, ';')) + 1;
}

// Unlike trim(), of line ends too: the line need not come from a field.
string_view trim_all(string_view s) noexcept {
  const std::size_t first = std::min(s.find_first_not_of(" \t\r\n"), s.size());
  return s.substr(first, s.find_last_not_of(" \t\r\n") + 1 - first);
}

struct unquoted {
  string_view text;
  bool quoted = false;
  bool ok = false;
};
unquoted read_value(string_view raw, bool may_be_quoted) noexcept {
  unquoted v{raw};
  if (may_be_quoted && raw.size() > 1 && raw.front() == '"' && raw.back() == '"') {
    v = {raw.substr(1, raw.size() - 2), true};
  }
  v.ok = std::ranges::all_of(v.text, is_cookie_value_char);
  return v;
}

// `NAME=VALUE`, into `to`. `loose`: there may be no value, and blanks round the name.
gossamer::error read_pair(string_view part, bool loose, cookie& to) {
  if (!loose && part.find('=') == string_view::npos) {
    return errors::make("http: '=' not found in cookie");
  }
  auto [name, raw] = cut(part, '=');
  if (loose) {
    name = trim_all(name);
  }
  if (!is_token(name)) {
    return errors::make("http: invalid cookie name");
  }
  const unquoted value = read_value(raw, true);
  if (!value.ok) {
    return errors::make("http: invalid cookie value");
  }
  to.name = name;
  to.value = value.text;
  to.quoted = value.quoted;
  return nullptr;
}

same_site read_same_site(string_view text) noexcept {
  if (same_name(text, "lax")) {
    return same_site::lax_mode;
  }
  if (same_name(text, "strict")) {
    return same_site::strict_mode;
  }
  return same_name(text, "none") ? same_site::none_mode : same_site::default_mode;
}

bool read_max_age(string_view text, cookie& to) noexcept {
  const string_view digits = text.starts_with('+') ? text.substr(1) : text;
  std::int64_t seconds = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  const bool signs = text.size() != digits.size() && digits.starts_with('-');
  if (ec != std::errc() || end != digits.data() + digits.size() || signs || (seconds != 0 && text.front() == '0')) {
    return false;
  }
  to.max_age = seconds > 0 ? seconds : -1;
  return true;
}

bool read_expires(string_view text, cookie& to) {
  to.raw_expires = text;
  to.expires.reset();
  for (const string_view layout : {"Mon, 02 Jan 2006 15:04:05 MST", "Mon, 02-Jan-2006 15:04:05 MST"}) {
    if (const auto [when, err] = parse_layout(layout, text); !err) {
      to.expires = when;
      return true;
    }
  }
  return false;
}

// Whether the attribute is one, and its value is.
bool read_attribute(string_view part, cookie& to) {
  const auto [name, raw] = cut(part, '=');
  const unquoted value = read_value(raw, false);
  if (!value.ok) {
    return false;
  }
  if (same_name(name, "SameSite")) {
    to.same_site = read_same_site(value.text);
  } else if (same_name(name, "Secure")) {
    to.secure = true;
  } else if (same_name(name, "HttpOnly")) {
    to.http_only = true;
  } else if (same_name(name, "Domain")) {
    to.domain = value.text;
  } else if (same_name(name, "Max-Age")) {
    return read_max_age(value.text, to);
  } else if (same_name(name, "Expires")) {
    return read_expires(value.text, to);
  } else if (same_name(name, "Path")) {
    to.path = value.text;
  } else if (same_name(name, "Partitioned")) {
    to.partitioned = true;
  } else {
    return false;
  }
  return true;
}

bool is_printable_ascii(string_view s) noexcept {
  return std::ranges::all_of(s, [](char c) { return c >= ' ' && c <= '~'; });
}

// Calls each(part) for all that semicolons part, until it says false.
template <class Each>
void for_parts(string_view line, const Each& each) {
  for (bool more = true; more;) {
    more = line.find(';') != string_view::npos;
    const auto [part, rest] = cut(line, ';');
    line = rest;
    if (!each(trim_all(part))) {
      return;
    }
  }
}

// Those of one name; of all where it is empty. What is faulty is left out.
std::vector<cookie> read_all_cookies(const http::header& fields, string_view only, std::size_t at_most) {
  std::vector<cookie> all;
  const std::vector<string_view> lines = fields.values("Cookie");
  std::size_t parts = 0;
  for (const string_view line : lines) {
    parts += count_parts(line);
  }
  if (parts > max_cookies) {
    return all;
  }
  for (const string_view line : lines) {
    for_parts(line, [&](string_view part) {
      cookie c;
      if (!read_pair(part, true, c) && (only.empty() || c.name == only)) {
        all.push_back(std::move(c));
      }
      return all.size() < at_most;
    });
    if (all.size() >= at_most) {
      break;
    }
  }
  return all;
}

}  // namespace

std::pair<std::vector<cookie>, gossamer::error> parse_cookie(std::string_view line) {
  const std::size_t parts = count_parts(line);
  if (parts > max_cookies) {
    return {{}, errors::make("http: number of cookies exceeded limit")};
  }
  if (parts == 1 && trim_all(line).empty()) {
    return {{}, errors::make("http: blank cookie")};
  }
  std::vector<cookie> all;
  gossamer::error err;
  for_parts(line, [&](string_view part) {
    err = read_pair(part, false, all.emplace_back());
    return !err;
  });
  return err ? std::pair(std::vector<cookie>(), err) : std::pair(std::move(all), gossamer::error());
}

std::pair<cookie, gossamer::error> parse_set_cookie(std::string_view line) {
  if (trim_all(line).empty()) {
    return {{}, errors::make("http: blank cookie")};
  }
  const auto [pair, attributes] = cut(trim_all(line), ';');
  cookie c;
  if (pair.find('=') == string_view::npos) {
    return {{}, errors::make("http: '=' not found in cookie")};
  }
  if (const gossamer::error err = read_pair(trim_all(pair), true, c)) {
    return {{}, err};
  }
  c.raw = line;
  for_parts(attributes, [&c](string_view part) {
    if (!part.empty() && is_printable_ascii(cut(part, '=').first) && !read_attribute(part, c)) {
      c.unparsed.emplace_back(part);
    }
    return true;
  });
  return {std::move(c), nullptr};
}

std::pair<cookie, gossamer::error> request::cookie(std::string_view name) const {
  std::vector<http::cookie> found;
  if (!name.empty()) {
    found = read_all_cookies(header, name, 1);
  }
  return found.empty() ? std::pair(http::cookie(), gossamer::error(no_cookie))
                       : std::pair(std::move(found.front()), gossamer::error());
}

std::vector<cookie> request::cookies() const { return read_all_cookies(header, {}, max_cookies); }

std::vector<cookie> request::cookies_named(std::string_view name) const {
  return name.empty() ? std::vector<http::cookie>() : read_all_cookies(header, name, max_cookies);
}

void request::add_cookie(const http::cookie& c) {
  std::string pair = c.name;
  std::ranges::replace_if(pair, [](char x) { return x == '\r' || x == '\n'; }, '-');
  pair += '=' + cookie_value_text(c.value, c.quoted);
  if (const std::string_view before = header.get("Cookie"); !before.empty()) {
    pair = std::string(before) + "; " + pair;
  }
  header.set("Cookie", pair);
}

}  // namespace gossamer::inline v0::http
