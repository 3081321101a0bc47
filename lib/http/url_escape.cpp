#include "http/url_escape.hpp"

#include <algorithm>

#include "gossamer/http/url.hpp"
#include "http/quote.hpp"

namespace gossamer::inline v0::http {

namespace {

constexpr std::string_view upper_hex = "0123456789ABCDEF";

constexpr bool is_hex(char c) noexcept { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f'); }
constexpr int hex_value(char c) noexcept { return is_digit(c) ? c - '0' : lower(c) - 'a' + 10; }

bool is_escape(std::string_view at) noexcept { return at.size() >= 3 && is_hex(at[1]) && is_hex(at[2]); }
char escaped_byte(std::string_view at) noexcept { return static_cast<char>(hex_value(at[1]) * 16 + hex_value(at[2])); }

// A host has no escapes of ASCII, but for a zone's `%25`; in a zone they stand for what might stand there, and a blank.
bool may_be_escaped(std::string_view at, place where) noexcept {
  const char c = escaped_byte(at);
  if (at.substr(0, 3) == "%25") {
    return true;
  }
  if (where == place::host) {
    return static_cast<unsigned char>(c) >= 0x80;
  }
  return where != place::zone || c == ' ' || is_plain(c, place::host);
}

}  // namespace

void append_escaped(std::string& to, std::string_view text, place where) {
  for (const char c : text) {
    if (is_plain(c, where)) {
      to += c;
    } else if (c == ' ' && where == place::query) {
      to += '+';
    } else {
      const auto byte = static_cast<unsigned char>(c);
      ((to += '%') += upper_hex[byte >> 4U]) += upper_hex[byte & 15U];
    }
  }
}

std::string escape(std::string_view text, place where) {
  std::string to;
  to.reserve(text.size());
  append_escaped(to, text, where);
  return to;
}

gossamer::error append_unescaped(std::string& to, std::string_view text, place where) {
  const bool in_host = where == place::host || where == place::zone;
  while (!text.empty()) {
    const char c = text.front();
    if (c == '%') {
      if (!is_escape(text) || !may_be_escaped(text, where)) {
        return escape_error(std::string(text.substr(0, 3)));
      }
      to += escaped_byte(text);
      text.remove_prefix(3);
      continue;
    }
    if (in_host && static_cast<unsigned char>(c) < 0x80 && !is_plain(c, where)) {
      return invalid_host_error(std::string(1, c));
    }
    to += c == '+' && where == place::query ? ' ' : c;
    text.remove_prefix(1);
  }
  return nullptr;
}

bool is_valid_encoded(std::string_view text, place where) noexcept {
  return std::ranges::all_of(text, [where](char c) {
    return is_plain(c, where) || std::string_view("!$&'()*+,;=:@[]%").find(c) != std::string_view::npos;
  });
}

gossamer::error decode_with_hint(std::string_view encoded, place where, std::string& text, std::string& raw) {
  raw.clear();
  if (std::ranges::all_of(encoded, [where](char c) { return is_plain(c, where); })) {
    text.assign(encoded);
    return nullptr;
  }
  text.clear();
  if (auto err = append_unescaped(text, encoded, where)) {
    return err;
  }
  append_escaped(raw, text, where);
  if (raw == encoded) {
    raw.clear();
  } else {
    raw.assign(encoded);
  }
  return nullptr;
}

std::string url_error::text() const { return op_ + " " + quote(url_) + ": " + err_.text(); }
std::string escape_error::text() const { return "invalid URL escape " + quote(escape_); }
std::string invalid_host_error::text() const { return "invalid character " + quote(character_) + " in host name"; }

}  // namespace gossamer::inline v0::http
