// A url's text, and urls that come from others.
#include <algorithm>
#include <cstddef>
#include <tuple>
#include <utility>
#include <vector>

#include "gossamer/http/url.hpp"
#include "http/cut.hpp"
#include "http/paths.hpp"
#include "http/url_escape.hpp"

namespace gossamer::inline v0::http {

namespace {

// `raw` if it is an encoding of `text`, else the usual one.
std::string encoded(const std::string& text, const std::string& raw, place where) {
  if (!raw.empty() && is_valid_encoded(raw, where)) {
    std::string decoded;
    if (!append_unescaped(decoded, raw, where) && decoded == text) {
      return raw;
    }
  }
  return text == "*" && where == place::path ? text : escape(text, where);
}

// `encoded` comes from escaped_path(): it cannot fail.
void set_path(url& u, std::string_view encoded_path) {
  static_cast<void>(decode_with_hint(encoded_path, place::path, u.path, u.raw_path));
}

void append_authority(std::string& to, const url& u) {
  const bool none = u.host.empty() && !u.user;
  if (none && (u.scheme.empty() || u.omit_host)) {
    return;
  }
  if (!none || !u.path.empty()) {
    to += "//";
  }
  if (u.user) {
    (to += u.user->text()) += '@';
  }
  append_escaped(to, u.host, place::host);
}

void append_path(std::string& to, const url& u) {
  std::string path = u.escaped_path();
  if (u.omit_host && u.host.empty() && !u.user && path.starts_with("//")) {
    path.replace(0, 1, "%2F");  // or it would read as a host
  } else if (!path.empty() && path.front() != '/' && !u.host.empty()) {
    to += '/';
  }
  if (to.empty() && cut(path, '/').first.find(':') != std::string_view::npos) {
    to += "./";  // or it would read as a scheme
  }
  to += path;
}

void append_query(std::string& to, const url& u) {
  if (u.force_query || !u.raw_query.empty()) {
    (to += '?') += u.raw_query;
  }
}

// The path that `ref` is on the page at `base`; both encoded.
std::string resolve_path(std::string_view base, std::string_view ref) {
  std::string full(ref.starts_with('/') ? std::string_view() : base.substr(0, base.rfind('/') + 1));
  if (ref.empty()) {
    full = base;
  } else {
    full += ref;
  }
  if (full.empty()) {
    return {};
  }
  std::string to = "/";
  bool first = true;
  std::string_view element;
  std::string_view rest = full;
  for (bool more = true; more;) {
    more = rest.find('/') != rest.npos;
    std::tie(element, rest) = cut(rest, '/');
    if (element == "..") {
      to.resize(std::max<std::size_t>(to.rfind('/'), 1));
      first = to.size() == 1;
      continue;
    }
    if (element != ".") {
      to += first ? "" : "/";
      to += element;
    }
    first = false;
  }
  if (element == "." || element == "..") {
    to += '/';
  }
  return to.size() > 1 && to[1] == '/' ? to.substr(1) : to;
}

}  // namespace

std::string userinfo::text() const {
  std::string to = escape(username_, place::user);
  if (password_) {
    append_escaped(to += ':', *password_, place::user);
  }
  return to;
}

std::string url::escaped_path() const { return encoded(path, raw_path, place::path); }
std::string url::escaped_fragment() const { return encoded(fragment, raw_fragment, place::fragment); }

std::string url::text() const {
  std::string to;
  if (is_abs()) {
    (to += scheme) += ':';
  }
  if (!opaque.empty()) {
    to += opaque;
  } else {
    append_authority(to, *this);
    append_path(to, *this);
  }
  append_query(to, *this);
  if (!fragment.empty()) {
    (to += '#') += escaped_fragment();
  }
  return to;
}

std::string url::redacted() const {
  if (!user || !user->password()) {
    return text();
  }
  url other = *this;
  other.user = userinfo(user->username(), "xxxxx");
  return other.text();
}

std::string url::request_uri() const {
  std::string to;
  if (opaque.empty()) {
    to = escaped_path();
    to += to.empty() ? "/" : "";
  } else {
    to = opaque.starts_with("//") ? scheme + ":" + opaque : opaque;
  }
  append_query(to, *this);
  return to;
}

url url::resolve_reference(const url& ref) const {
  url u = ref;
  if (!ref.is_abs()) {
    u.scheme = scheme;
  }
  if (ref.is_abs() || !ref.host.empty() || ref.user) {
    set_path(u, resolve_path(ref.escaped_path(), ""));
    return u;
  }
  const auto forget_place = [&u] {
    u.user.reset();
    u.host.clear();
    u.path.clear();
  };
  if (!ref.opaque.empty()) {
    forget_place();
    return u;
  }
  if (ref.path.empty() && !ref.force_query && ref.raw_query.empty()) {
    u.raw_query = raw_query;
    if (ref.fragment.empty()) {
      u.fragment = fragment;
      u.raw_fragment = raw_fragment;
    }
  }
  if (ref.path.empty() && !opaque.empty()) {
    u.opaque = opaque;
    forget_place();
    return u;
  }
  u.host = host;
  u.user = user;
  set_path(u, resolve_path(escaped_path(), ref.escaped_path()));
  return u;
}

std::pair<url, gossamer::error> url::parse(std::string_view ref) const {
  auto result = parse_url(ref);
  if (!result.second) {
    result.first = resolve_reference(result.first);
  }
  return result;
}

url url::join_path(std::span<const std::string_view> elements) const {
  const std::string base = escaped_path();
  const bool rooted = base.starts_with('/');
  std::string all = rooted ? base : "/" + base;
  for (const std::string_view e : elements) {
    (all += '/') += e;
  }
  const bool with_slash = (elements.empty() ? std::string_view(all) : elements.back()).ends_with('/');
  std::string joined = clean_path(all).substr(rooted ? 0 : 1);
  if (with_slash && !joined.ends_with('/')) {
    joined += '/';
  }
  url u = *this;
  if (decode_with_hint(joined, place::path, u.path, u.raw_path)) {
    u = *this;  // as Go, which leaves the path
  }
  return u;
}

}  // namespace gossamer::inline v0::http
