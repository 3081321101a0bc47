#include "http/cookie_text.hpp"

#include "gossamer/net/addr.hpp"
#include "http/ascii.hpp"
#include "http/log.hpp"
#include "http/quote.hpp"

namespace gossamer::inline v0::http {

namespace {

using char_class = bool (*)(char) noexcept;

std::string only(char_class is_valid, std::string_view text, std::string_view what) {
  const auto bad = std::ranges::find_if_not(text, is_valid);
  if (bad != text.end()) {
    log_line("net/http: invalid byte " + quoted_byte(*bad) + " in " + std::string(what) + "; dropping invalid bytes");
  }
  std::string valid;
  std::ranges::copy_if(text, std::back_inserter(valid), is_valid);
  return valid;
}

bool is_label(std::string_view label) noexcept {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
}

// Labels with a letter among them; the last one may be empty.
bool is_domain_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > 255) {
    return false;
  }
  if (name.front() == '.') {
    name.remove_prefix(1);
  }
  const bool has_letter = std::ranges::any_of(name, is_letter);
  for (std::size_t dot = 0; !name.empty(); name.remove_prefix(std::min(dot + 1, name.size()))) {
    dot = std::min(name.find('.'), name.size());
    if (!is_label(name.substr(0, dot))) {
      return false;
    }
  }
  return has_letter;
}

}  // namespace

bool is_cookie_domain(std::string_view domain) {
  return is_domain_name(domain) || (domain.find(':') == std::string_view::npos && net::ip::parse(domain).has_value());
}

std::string quoted_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  std::string rune;
  if (byte >= 0x80) {
    rune += static_cast<char>(0xc0U | (byte >> 6U));
  }
  rune += byte >= 0x80 ? static_cast<char>(0x80U | (byte & 0x3fU)) : c;
  const std::string text = quote(rune);
  return c == '"' ? "'\"'" : '\'' + text.substr(1, text.size() - 2) + '\'';
}

std::string cookie_value_text(std::string_view value, bool in_quotes) {
  const std::string text = only(is_cookie_value_char, value, "Cookie.Value");
  return in_quotes || text.find_first_of(" ,") != std::string::npos ? '"' + text + '"' : text;
}

std::string cookie_path_text(std::string_view path) { return only(is_cookie_path_char, path, "Cookie.Path"); }

}  // namespace gossamer::inline v0::http
