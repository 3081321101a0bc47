#include "http/client/jar_rules.hpp"

#include <algorithm>
#include <cstddef>

#include "gossamer/net/addr.hpp"
#include "http/ascii.hpp"

namespace gossamer::inline v0::http {

namespace {

bool has_port(std::string_view host) {
  const auto colons = std::ranges::count(host, ':');
  return colons == 1 || (colons > 1 && host.front() == '[' && host.find("]:") != host.npos);
}

bool is_below(std::string_view host, std::string_view domain) {
  return host.size() > domain.size() && host.ends_with(domain) && host[host.size() - domain.size() - 1] == '.';
}

bool is_ascii(std::string_view s) {
  return std::ranges::all_of(s, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

std::optional<std::string> canonical_host(std::string_view host) {
  std::string name(host);
  if (has_port(host)) {
    auto [alone, port, err] = net::split_host_port(host);
    if (err) {
      return {};
    }
    name = std::move(alone);
  }
  if (name.ends_with('.')) {
    name.pop_back();
  }
  std::ranges::transform(name, name.begin(), lower);
  return name;
}

bool is_ip_host(std::string_view host) {
  // No name has these, so that one with a zone is an address, too, however it ends.
  return host.find_first_of(":%") != host.npos || net::ip::parse(host).has_value();
}

std::string_view site_of(std::string_view host, const cookiejar::public_suffix_function& suffixes) {
  if (is_ip_host(host)) {
    return host;
  }
  std::size_t dot = host.rfind('.');
  if (suffixes) {
    const std::size_t suffix = suffixes(host).size();
    // What is no suffix of it parts nothing.
    dot = suffix < host.size() && host[host.size() - suffix - 1] == '.' ? host.size() - suffix - 1 : host.npos;
  }
  if (dot == host.npos || dot == 0) {
    return host;
  }
  const std::size_t before = host.rfind('.', dot - 1);
  return before == host.npos ? host : host.substr(before + 1);
}

std::string_view default_cookie_path(std::string_view path) {
  const std::size_t slash = path.starts_with('/') ? path.rfind('/') : 0;
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::optional<cookie_scope> scope_of(std::string_view host, std::string_view attribute,
                                     const cookiejar::public_suffix_function& suffixes) {
  if (attribute.empty()) {
    return cookie_scope{std::string(host), true};
  }
  if (is_ip_host(host)) {
    // Nothing is below an address.
    return attribute == host ? std::optional(cookie_scope{std::string(host), true}) : std::nullopt;
  }
  attribute.remove_prefix(attribute.starts_with('.') ? 1 : 0);
  if (attribute.empty() || attribute.front() == '.' || attribute.back() == '.' || !is_ascii(attribute)) {
    return {};
  }
  std::string domain(attribute);
  std::ranges::transform(domain, domain.begin(), lower);
  if (suffixes) {
    if (const std::string suffix = suffixes(domain); !suffix.empty() && !is_below(domain, suffix)) {
      return domain == host ? std::optional(cookie_scope{std::move(domain), true}) : std::nullopt;
    }
  }
  if (host != domain && !is_below(host, domain)) {
    return {};
  }
  return cookie_scope{std::move(domain), false};
}

bool scope_has(std::string_view domain, bool host_only, std::string_view host) {
  return host == domain || (!host_only && is_below(host, domain));
}

bool path_has(std::string_view cookie_path, std::string_view path) {
  return path.starts_with(cookie_path) &&
         (path.size() == cookie_path.size() || cookie_path.back() == '/' || path[cookie_path.size()] == '/');
}

bool is_local_domain(std::string_view domain) {
  std::string_view name = domain;
  name.remove_suffix(name.ends_with('.') ? 1 : 0);
  if (const std::size_t dot = name.rfind('.'); dot != name.npos) {
    name.remove_prefix(dot + 1);
  }
  if (same_name(name, "localhost")) {
    return true;
  }
  const std::optional<net::ip> address = net::ip::parse(domain);
  return address && address->is_loopback();
}

}  // namespace gossamer::inline v0::http
