// connect_method: where a request's connection leads, and through which proxy.
// Source: Go's connectMethod.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "gossamer/http/url.hpp"

namespace gossamer::inline v0::http {

// `host:port`, the port by the scheme where there is none; an IPv6 address in brackets.
std::string host_and_port(const url& of);

// Two that have the same key may use each other's connections.
class connect_method {
 public:
  // `target`: of http or https.
  connect_method(const url& target, std::optional<url> proxy);

  const std::string& key() const noexcept { return key_; }
  // The target's.
  const std::string& scheme() const noexcept { return scheme_; }
  const std::string& address() const noexcept { return address_; }
  const std::optional<url>& proxy() const noexcept { return proxy_; }
  // Of whom the connection is made to first.
  const std::string& first_scheme() const noexcept { return proxy_ ? proxy_->scheme : scheme_; }
  std::string first_address() const { return proxy_ ? host_and_port(*proxy_) : address_; }
  // What the proxy is asked with, `Basic …`; empty where it is not.
  std::string proxy_authorization() const;
  // Requests to any host go over the same connection, and name the host in their targets.
  bool has_forwarding_proxy() const noexcept { return proxy_ && scheme_ == "http"; }
  // The proxy is asked for a connection to the target.
  bool has_tunnel() const noexcept { return proxy_ && scheme_ == "https"; }

 private:
  std::optional<url> proxy_;
  std::string scheme_;
  std::string address_;
  std::string key_;
};

// Of `host:port`, as host_and_port() gives it, without brackets.
std::string_view host_of(std::string_view address) noexcept;

}  // namespace gossamer::inline v0::http
