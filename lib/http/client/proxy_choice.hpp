// proxy_choice: which requests go through a proxy, as the variables of the environment say.
// Source: Go's golang.org/x/net/http/httpproxy.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gossamer/error.hpp"
#include "gossamer/http/url.hpp"
#include "gossamer/net/ip_net.hpp"

namespace gossamer::inline v0::http {

// What the variables hold; empty: not set.
struct proxy_variables {
  std::string http_proxy;
  std::string https_proxy;
  std::string no_proxy;
  std::string request_method;  // set: this is a CGI program, whose HTTP_PROXY is a request's field `Proxy`

  static proxy_variables of_environment();
};

class proxy_choice {
 public:
  explicit proxy_choice(const proxy_variables& v);
  std::pair<std::optional<url>, gossamer::error> operator()(const url& target) const;

 private:
  // Whom NO_PROXY names: a network, an address, or a domain.
  struct exception {
    std::optional<net::ip_net> network;
    net::ip ip;
    std::string domain;  // begins with a dot
    bool host_too = false;
    std::string port;  // empty: any
  };
  static std::optional<exception> parse(std::string_view entry);
  static bool fits(const exception& e, std::string_view host, const net::ip& ip, std::string_view port);
  bool is_proxied(const url& target) const;

  std::optional<url> http_;
  std::optional<url> https_;
  bool in_cgi_;
  bool never_ = false;  // `*`
  std::vector<exception> exceptions_;
};

}  // namespace gossamer::inline v0::http
