#include "gossamer/http/media_type.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "http/ascii.hpp"
#include "http/cut.hpp"
#include "http/hex.hpp"

namespace gossamer::inline v0::http::mime {

constinit const errors::sentinel invalid_media_parameter{"mime: invalid media parameter"};

namespace {

using std::string_view;

// RFC 2045: they end a token.
constexpr bool is_special(char c) noexcept { return string_view("()<>@,;:\\\"/[]?=").find(c) != string_view::npos; }

// RFC 2045 has two more than RFC 9110.
constexpr bool is_mime_token_char(char c) noexcept { return is_token_char(c) || c == '{' || c == '}'; }
constexpr bool is_mime_token(string_view s) noexcept {
  return !s.empty() && std::ranges::all_of(s, is_mime_token_char);
}

constexpr string_view blanks = " \t\n\v\f\r";

string_view trim_front(string_view s) noexcept {
  s.remove_prefix(std::min(s.find_first_not_of(blanks), s.size()));
  return s;
}
string_view trim_all(string_view s) noexcept {
  s = trim_front(s);
  return s.substr(0, s.find_last_not_of(blanks) + 1);
}

std::string lower_case(string_view s) {
  std::string out(s);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

string_view take_token(string_view& s) noexcept {
  const auto end = std::ranges::find_if_not(s, is_mime_token_char);
  const string_view token = s.substr(0, static_cast<std::size_t>(end - s.begin()));
  s.remove_prefix(token.size());
  return token;
}

bool take(string_view& s, char c) noexcept {
  if (s.empty() || s.front() != c) {
    return false;
  }
  s.remove_prefix(1);
  return true;
}

gossamer::error check_type(string_view s) {
  if (take_token(s).empty()) {
    return errors::make("mime: no media type");
  }
  if (s.empty()) {
    return nullptr;
  }
  if (!take(s, '/')) {
    return errors::make("mime: expected slash after first token");
  }
  if (take_token(s).empty()) {
    return errors::make("mime: expected token after slash");
  }
  return s.empty() ? gossamer::error() : errors::make("mime: unexpected content after media subtype");
}

// A token, or what stands in quotes. A backslash there counts only before what it has to stand before: some clients
// send a file's path of theirs as it is.
std::optional<std::string> take_value(string_view& s) {
  if (s.empty() || s.front() != '"') {
    const string_view token = take_token(s);
    return token.empty() ? std::nullopt : std::optional<std::string>(token);
  }
  std::string value;
  for (std::size_t i = 1; i < s.size() && s[i] != '\r' && s[i] != '\n'; i++) {
    if (s[i] == '"') {
      s.remove_prefix(i + 1);
      return value;
    }
    if (s[i] == '\\' && i + 1 < s.size() && is_special(s[i + 1])) {
      i++;
    }
    value += s[i];
  }
  return {};
}

// `; NAME=VALUE`; nothing is taken where it is none.
std::optional<std::pair<std::string, std::string>> take_parameter(string_view& s) {
  string_view rest = trim_front(s);
  if (!take(rest, ';')) {
    return {};
  }
  rest = trim_front(rest);
  const std::string name = lower_case(take_token(rest));
  rest = trim_front(rest);
  if (name.empty() || !take(rest, '=')) {
    return {};
  }
  rest = trim_front(rest);
  std::optional<std::string> value = take_value(rest);
  if (!value) {
    return {};
  }
  s = rest;
  return std::pair(name, std::move(*value));
}

// %XX are bytes.
std::optional<std::string> decode_percents(string_view s) {
  std::string out;
  for (std::size_t i = 0; i < s.size(); i++) {
    if (s[i] != '%') {
      out += s[i];
      continue;
    }
    const int byte = hex_byte(s.substr(i + 1));
    if (byte < 0) {
      return {};
    }
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

// `utf-8'LANGUAGE'TEXT`
std::optional<std::string> decode_extended(string_view s) {
  const auto [charset, behind] = cut(s, '\'');
  if (!same_name(charset, "utf-8") && !same_name(charset, "us-ascii")) {
    return {};
  }
  if (behind.find('\'') == string_view::npos) {
    return {};
  }
  return decode_percents(cut(behind, '\'').second);
}

// Of `NAME*`, or of `NAME*0`, `NAME*1*` and so on.
std::optional<std::string> put_together(const std::string& name, const parameters& pieces) {
  if (const auto whole = pieces.find(name + '*'); whole != pieces.end()) {
    return decode_extended(whole->second);
  }
  std::string all;
  for (std::size_t n = 0;; n++) {
    const std::string key = name + '*' + std::to_string(n);
    if (const auto plain = pieces.find(key); plain != pieces.end()) {
      all += plain->second;
      continue;
    }
    const auto encoded = pieces.find(key + '*');
    if (encoded == pieces.end()) {
      return n > 0 ? std::optional(std::move(all)) : std::nullopt;
    }
    all += (n == 0 ? decode_extended(encoded->second) : decode_percents(encoded->second)).value_or("");
  }
}

}  // namespace

std::tuple<std::string, parameters, gossamer::error> parse_media_type(std::string_view text) {
  std::string type = lower_case(trim_all(cut(text, ';').first));
  if (const gossamer::error err = check_type(type)) {
    return {"", {}, err};
  }
  parameters all;
  std::map<std::string, parameters> in_pieces;
  text.remove_prefix(std::min(text.find(';'), text.size()));
  for (text = trim_front(text); !text.empty(); text = trim_front(text)) {
    auto one = take_parameter(text);
    if (!one) {
      if (trim_all(text) == ";") {
        break;  // behind the last one
      }
      return {std::move(type), {}, invalid_media_parameter};
    }
    const std::size_t star = one->first.find('*');
    parameters& among = star == std::string::npos ? all : in_pieces[one->first.substr(0, star)];
    const auto [at, is_new] = among.try_emplace(std::move(one->first), one->second);
    if (!is_new && at->second != one->second) {
      return {"", {}, errors::make("mime: duplicate parameter name")};
    }
  }
  for (const auto& [name, pieces] : in_pieces) {
    if (auto value = put_together(name, pieces)) {
      all[name] = std::move(*value);
    }
  }
  return {std::move(type), std::move(all), nullptr};
}

namespace {

void append_encoded(std::string& to, string_view value) {
  to += "*=utf-8''";
  for (const char c : value) {
    if (c <= ' ' || c >= '\x7f' || c == '*' || c == '\'' || c == '%' || is_special(c)) {
      to += '%';
      append_hex(to, static_cast<unsigned char>(c), upper_hex);
    } else {
      to += c;
    }
  }
}

void append_value(std::string& to, string_view value) {
  // Signed or not: what is over 0x7e is encoded.
  const auto must_be_encoded = [](char c) { return (c < ' ' && c != '\t') || c >= '\x7f' || (c & 0x80) != 0; };
  if (std::ranges::any_of(value, must_be_encoded)) {
    append_encoded(to, value);
    return;
  }
  to += '=';
  if (is_mime_token(value)) {
    to += value;
    return;
  }
  to += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      to += '\\';
    }
    to += c;
  }
  to += '"';
}

}  // namespace

std::string format_media_type(std::string_view type, const parameters& all) {
  const auto [major, minor] = cut(type, '/');
  if (!is_mime_token(major) || (major.size() != type.size() && !is_mime_token(minor))) {
    return {};
  }
  std::string text = lower_case(type);
  for (const auto& [name, value] : all) {
    if (!is_mime_token(name)) {
      return {};
    }
    text += "; " + lower_case(name);
    append_value(text, value);
  }
  return text;
}

}  // namespace gossamer::inline v0::http::mime
