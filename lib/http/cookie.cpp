#include "gossamer/http/cookie.hpp"

#include <algorithm>
#include <charconv>

#include "gossamer/http/date.hpp"
#include "gossamer/http/response_writer.hpp"
#include "http/ascii.hpp"
#include "http/cookie_text.hpp"
#include "http/log.hpp"
#include "http/quote.hpp"

namespace gossamer::inline v0::http {

constinit const errors::sentinel no_cookie{"http: named cookie not present"};

namespace {

// RFC 6265, 5.1.1; and four digits.
bool is_cookie_date(std::chrono::sys_seconds when) noexcept {
  using std::chrono::sys_days;
  return when >= sys_days(std::chrono::year(1601) / 1 / 1) && when < sys_days(std::chrono::year(10000) / 1 / 1);
}

std::string_view same_site_text(same_site s) noexcept {
  switch (s) {
    case same_site::lax_mode:
      return "; SameSite=Lax";
    case same_site::strict_mode:
      return "; SameSite=Strict";
    case same_site::none_mode:
      return "; SameSite=None";
    case same_site::unset:
    case same_site::default_mode:
      break;
  }
  return {};
}

gossamer::error check_bytes(std::string_view text, bool (*is_valid)(char) noexcept, std::string_view where) {
  const auto bad = std::ranges::find_if_not(text, is_valid);
  return bad == text.end() ? gossamer::error() : errors::make("http: invalid byte ", quoted_byte(*bad), " in ", where);
}

}  // namespace

std::string cookie::text() const {
  if (!is_token(name)) {
    return {};
  }
  std::string out = name + '=' + cookie_value_text(value, quoted);
  if (!path.empty()) {
    out += "; Path=" + cookie_path_text(path);
  }
  if (is_cookie_domain(domain)) {
    out += "; Domain=" + domain.substr(domain.front() == '.' ? 1 : 0);
  } else if (!domain.empty()) {
    log_line("net/http: invalid Cookie.Domain " + http::quote(domain) + "; dropping domain attribute");
  }
  if (expires && is_cookie_date(*expires)) {
    out += "; Expires=" + format_time(*expires);
  }
  if (max_age != 0) {
    out += "; Max-Age=" + std::to_string(std::max<std::int64_t>(max_age, 0));
  }
  out += http_only ? "; HttpOnly" : "";
  out += secure ? "; Secure" : "";
  out += same_site_text(same_site);
  out += partitioned ? "; Partitioned" : "";
  return out;
}

gossamer::error cookie::valid() const {
  if (!is_token(name)) {
    return errors::make("http: invalid Cookie.Name");
  }
  if (expires && !is_cookie_date(*expires)) {
    return errors::make("http: invalid Cookie.Expires");
  }
  if (const gossamer::error err = check_bytes(value, is_cookie_value_char, "Cookie.Value")) {
    return err;
  }
  if (const gossamer::error err = check_bytes(path, is_cookie_path_char, "Cookie.Path")) {
    return err;
  }
  if (!domain.empty() && !is_cookie_domain(domain)) {
    return errors::make("http: invalid Cookie.Domain");
  }
  if (partitioned && !secure) {
    return errors::make("http: partitioned cookies must be set with Secure");
  }
  return nullptr;
}

void set_cookie(response_writer& w, const cookie& c) {
  if (const std::string text = c.text(); !text.empty()) {
    w.header().add("Set-Cookie", text);
  }
}

}  // namespace gossamer::inline v0::http
