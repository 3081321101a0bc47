// jar_rules: which cookies a host may set, and which requests they are for.
// Source: RFC 6265, 5.1 and 5.3; Go's cookiejar. Differs: a host with other letters than ASCII's is taken as it is.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gossamer/http/cookie_jar.hpp"

namespace gossamer::inline v0::http {

// In lower case, without port and the dot at the end; none where it is malformed.
std::optional<std::string> canonical_host(std::string_view host);

bool is_ip_host(std::string_view host);

// What has one owner: a public suffix and the label before it. Cookies are kept by it. A view of `host`.
std::string_view site_of(std::string_view host, const cookiejar::public_suffix_function& suffixes);

// The folder that the path is in, without a slash at its end.
std::string_view default_cookie_path(std::string_view path);

// For whom a cookie is: a host, or a domain and all below it.
struct cookie_scope {
  std::string domain;
  bool host_only = false;
};
// None where `host` may not set such a cookie. `attribute` is what its Domain says.
std::optional<cookie_scope> scope_of(std::string_view host, std::string_view attribute,
                                     const cookiejar::public_suffix_function& suffixes);

bool scope_has(std::string_view domain, bool host_only, std::string_view host);
bool path_has(std::string_view cookie_path, std::string_view path);
// One that never leaves the machine counts as secure.
bool is_local_domain(std::string_view domain);

}  // namespace gossamer::inline v0::http
