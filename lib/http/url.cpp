#include "gossamer/http/url.hpp"

#include <algorithm>
#include <utility>

#include "gossamer/net/addr.hpp"
#include "http/cut.hpp"
#include "http/quote.hpp"
#include "http/url_escape.hpp"

namespace gossamer::inline v0::http {

namespace {

bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }

// `:` and digits, or nothing.
bool is_port(std::string_view text) noexcept {
  return text.empty() || (text.front() == ':' && std::ranges::all_of(text.substr(1), is_digit));
}

gossamer::error check_port(std::string_view text) {
  return is_port(text) ? nullptr : errors::make("invalid port ", quote(text), " after host");
}

// Takes `scheme:` off `rest`.
gossamer::error cut_scheme(std::string_view& rest, std::string& scheme) {
  const auto end = std::ranges::find_if_not(
      rest, [](char c) { return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; });
  if (end == rest.end() || *end != ':' || (end != rest.begin() && !is_letter(rest.front()))) {
    return nullptr;
  }
  if (end == rest.begin()) {
    return errors::make("missing protocol scheme");
  }
  const auto length = static_cast<std::size_t>(end - rest.begin());
  scheme.resize(length);
  std::ranges::transform(rest.substr(0, length), scheme.begin(), lower);
  rest.remove_prefix(length + 1);
  return nullptr;
}

// What stands between brackets, decoded: an IPv6 address, and perhaps a zone.
gossamer::error check_ip_literal(std::string_view text) {
  const std::size_t percent = std::min(text.find('%'), text.size());
  const std::string_view address = text.substr(0, percent);
  const auto ip = net::ip::parse(address);
  const bool is_v6 = address.find(':') != address.npos;
  if (ip && !is_v6 && percent == text.size()) {
    return errors::make("invalid IP-literal");
  }
  const char* const why = is_v6 && percent + 1 == text.size() ? "zone must be a non-empty string"
                          : !is_v6 && percent != text.size()  ? "missing IPv6 address"
                                                              : "unable to parse IP";
  if (!ip || !is_v6 || percent + 1 == text.size()) {
    return errors::make("invalid host: ParseAddr(", quote(text), "): ", why);
  }
  return nullptr;
}

gossamer::error parse_ip_literal(std::string_view text, std::string& host) {
  const std::size_t close = text.rfind(']');
  if (close == text.npos) {
    return errors::make("missing ']' in host");
  }
  if (auto err = check_port(text.substr(close + 1))) {
    return err;
  }
  host = "[";
  const std::string_view inner = text.substr(1, close - 1);
  const std::size_t zone = std::min(inner.find("%25"), inner.size());
  auto err = append_unescaped(host, inner.substr(0, zone), place::host);
  if (!err) {
    err = append_unescaped(host, inner.substr(zone), place::zone);
  }
  if (!err) {
    err = check_ip_literal(std::string_view(host).substr(1));
  }
  host += text.substr(close);
  return err;
}

gossamer::error parse_host(const url& of, std::string_view text, std::string& host) {
  if (const std::size_t open = text.rfind('['); open != text.npos) {
    return open == 0 ? parse_ip_literal(text, host) : errors::make("invalid IP-literal");
  }
  if (std::size_t colon = text.find(':'); colon != text.npos) {
    // Lists of hosts with ports are let through where they are in use: by data bases.
    if (of.scheme != "http" && of.scheme != "https") {
      colon = text.rfind(':');
    }
    if (auto err = check_port(text.substr(colon))) {
      return err;
    }
  }
  return append_unescaped(host, text, place::host);
}

gossamer::error parse_user(std::string_view text, std::optional<userinfo>& user) {
  const auto may_stand = [](char c) {
    return is_letter(c) || is_digit(c) || std::string_view("-._:~!$&'()*+,;=%@").find(c) != std::string_view::npos;
  };
  if (!std::ranges::all_of(text, may_stand)) {
    return errors::make("net/url: invalid userinfo");
  }
  const auto [name_text, password_text] = cut(text, ':');
  std::string name;
  std::string password;
  if (auto err = append_unescaped(name, name_text, place::user)) {
    return err;
  }
  if (auto err = append_unescaped(password, password_text, place::user)) {
    return err;
  }
  user = name_text.size() == text.size() ? userinfo(std::move(name)) : userinfo(std::move(name), std::move(password));
  return nullptr;
}

gossamer::error parse_authority(std::string_view text, url& u) {
  const std::size_t at = text.rfind('@');
  if (auto err = parse_host(u, at == text.npos ? text : text.substr(at + 1), u.host); err || at == text.npos) {
    return err;
  }
  return parse_user(text.substr(0, at), u.user);
}

// Takes the query off `rest`.
void cut_query(std::string_view& rest, url& u) {
  const std::size_t mark = rest.find('?');
  if (mark == rest.npos) {
    return;
  }
  u.force_query = mark + 1 == rest.size();
  u.raw_query.assign(rest.substr(mark + 1));
  rest = rest.substr(0, mark);
}

// Fills `u`, which is empty. Of a request: its target.
gossamer::error parse(std::string_view text, bool of_request, url& u) {
  if (std::ranges::any_of(text, is_control)) {
    return errors::make("net/url: invalid control character in URL");
  }
  if (text.empty() && of_request) {
    return errors::make("empty url");
  }
  if (text == "*") {
    u.path = text;
    return nullptr;
  }
  std::string_view rest = text;
  if (auto err = cut_scheme(rest, u.scheme)) {
    return err;
  }
  cut_query(rest, u);
  if (!rest.starts_with('/')) {
    if (u.is_abs()) {
      u.opaque = rest;
      return nullptr;
    }
    if (of_request) {
      return errors::make("invalid URI for request");
    }
    if (cut(rest, '/').first.find(':') != rest.npos) {
      return errors::make("first path segment in URL cannot contain colon");
    }
  }
  if (rest.starts_with("//") && (u.is_abs() || (!of_request && !rest.starts_with("///")))) {
    const std::string_view authority = cut(rest.substr(2), '/').first;
    rest.remove_prefix(2 + authority.size());
    if (auto err = parse_authority(authority, u)) {
      return err;
    }
  } else if (u.is_abs()) {
    u.omit_host = true;
  }
  return decode_with_hint(rest, place::path, u.path, u.raw_path);
}

gossamer::error failed(std::string_view text, gossamer::error why, url& u) {
  u.clear();
  return url_error("parse", std::string(text), std::move(why));
}

}  // namespace

void url::clear() noexcept {
  for (std::string* const part : {&scheme, &opaque, &host, &path, &raw_path, &raw_query, &fragment, &raw_fragment}) {
    part->clear();
  }
  user.reset();
  force_query = false;
  omit_host = false;
}

gossamer::error parse_request_uri(std::string_view text, url& into) {
  into.clear();
  auto err = parse(text, true, into);
  return err ? failed(text, std::move(err), into) : nullptr;
}

std::pair<url, gossamer::error> parse_request_uri(std::string_view text) {
  std::pair<url, gossamer::error> result;
  result.second = parse_request_uri(text, result.first);
  return result;
}

std::pair<url, gossamer::error> parse_url(std::string_view text) {
  std::pair<url, gossamer::error> result;
  auto& [u, err] = result;
  const auto [before, fragment] = cut(text, '#');
  if ((err = parse(before, false, u))) {
    err = failed(before, std::move(err), u);
  } else if ((err = decode_with_hint(fragment, place::fragment, u.fragment, u.raw_fragment))) {
    err = failed(text, std::move(err), u);
  }
  return result;
}

std::string_view url::port() const noexcept {
  const std::string_view all = host;
  const std::size_t colon = all.rfind(':');
  return colon != all.npos && is_port(all.substr(colon)) ? all.substr(colon + 1) : std::string_view();
}

std::string_view url::hostname() const noexcept {
  std::string_view name = host;
  if (const std::size_t colon = name.rfind(':'); colon != name.npos && is_port(name.substr(colon))) {
    name = name.substr(0, colon);
  }
  return name.size() >= 2 && name.starts_with('[') && name.ends_with(']') ? name.substr(1, name.size() - 2) : name;
}

values url::query() const { return parse_query(raw_query).first; }

}  // namespace gossamer::inline v0::http
