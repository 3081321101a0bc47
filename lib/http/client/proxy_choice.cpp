#include "http/client/proxy_choice.hpp"

#include <algorithm>
#include <cstdlib>
#include <initializer_list>

#include "gossamer/errors.hpp"
#include "gossamer/http/transport.hpp"
#include "gossamer/net/addr.hpp"
#include "http/ascii.hpp"
#include "http/client/connect_method.hpp"
#include "http/cut.hpp"

namespace gossamer::inline v0::http {

namespace {

std::string variable(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') {
      return value;
    }
  }
  return {};
}

// One that is no URL with a host may lack its scheme. None where it is malformed: as if it were not set.
std::optional<url> parse_proxy(const std::string& text) {
  if (text.empty()) {
    return std::nullopt;
  }
  auto [proxy, err] = parse_url(text);
  if (err || proxy.scheme.empty() || proxy.host.empty()) {
    if (auto [with_scheme, again] = parse_url("http://" + text); !again) {
      return with_scheme;
    }
  }
  return err ? std::nullopt : std::optional(proxy);
}

// Around the last colon of what has one outside brackets; otherwise no port.
std::pair<std::string_view, std::string_view> split_port(std::string_view entry) {
  auto [host, port, err] = net::split_host_port(entry);
  if (err) {
    return {entry, {}};
  }
  return {host_of(entry), entry.substr(entry.rfind(':') + 1)};
}

}  // namespace

proxy_variables proxy_variables::of_environment() {
  return {.http_proxy = variable({"HTTP_PROXY", "http_proxy"}),
          .https_proxy = variable({"HTTPS_PROXY", "https_proxy"}),
          .no_proxy = variable({"NO_PROXY", "no_proxy"}),
          .request_method = variable({"REQUEST_METHOD"})};
}

proxy_choice::proxy_choice(const proxy_variables& v)
    : http_(parse_proxy(v.http_proxy)), https_(parse_proxy(v.https_proxy)), in_cgi_(!v.request_method.empty()) {
  std::string_view rest = v.no_proxy;
  while (!rest.empty() && !never_) {
    const auto [entry, behind] = cut(rest, ',');
    rest = behind;
    never_ = trim(entry) == "*";
    if (auto e = parse(trim(entry))) {
      exceptions_.push_back(std::move(*e));
    }
  }
}

std::optional<proxy_choice::exception> proxy_choice::parse(std::string_view entry) {
  exception e;
  if (auto [ip, network, err] = net::parse_cidr(entry); !err) {
    e.network = network;
    return e;
  }
  const auto [host, port] = split_port(entry);
  if (host.empty()) {
    return std::nullopt;
  }
  e.port = port;
  if (const auto ip = net::ip::parse(host)) {
    e.ip = *ip;
    return e;
  }
  e.host_too = !host.starts_with("*.") && !host.starts_with('.');
  e.domain = e.host_too ? "." : "";
  e.domain += host.starts_with("*.") ? host.substr(1) : host;
  std::ranges::transform(e.domain, e.domain.begin(), lower);
  return e;
}

bool proxy_choice::fits(const exception& e, std::string_view host, const net::ip& ip, std::string_view port) {
  if (e.network) {
    return ip && e.network->contains(ip);
  }
  if (!e.port.empty() && e.port != port) {
    return false;
  }
  if (e.ip) {
    return ip == e.ip;
  }
  return !ip && (host.ends_with(e.domain) || (e.host_too && host == std::string_view(e.domain).substr(1)));
}

bool proxy_choice::is_proxied(const url& target) const {
  const std::string address = host_and_port(target);
  std::string host(host_of(address));
  const net::ip ip = net::ip::parse(host).value_or(net::ip());
  if (never_ || host == "localhost" || ip.is_loopback()) {
    return false;
  }
  std::ranges::transform(host, host.begin(), lower);
  const std::string_view port = std::string_view(address).substr(address.rfind(':') + 1);
  return std::ranges::none_of(exceptions_, [&](const exception& e) { return fits(e, host, ip, port); });
}

std::pair<std::optional<url>, gossamer::error> proxy_choice::operator()(const url& target) const {
  const std::optional<url>& proxy = target.scheme == "https" ? https_ : http_;
  if (!proxy || (target.scheme != "https" && target.scheme != "http")) {
    return {std::nullopt, nullptr};
  }
  if (target.scheme == "http" && in_cgi_) {
    return {std::nullopt,
            errors::make("refusing to use HTTP_PROXY value in CGI environment; see golang.org/s/cgihttpproxy")};
  }
  return {is_proxied(target) ? proxy : std::nullopt, nullptr};
}

std::pair<std::optional<url>, gossamer::error> proxy_from_environment(const request& r) {
  static const proxy_choice choice(proxy_variables::of_environment());
  return choice(r.url);
}

proxy_function proxy_url(http::url fixed) {
  return [fixed = std::move(fixed)](const request&) { return std::pair(std::optional(fixed), gossamer::error()); };
}

}  // namespace gossamer::inline v0::http
