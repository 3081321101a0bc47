// Where a request goes, and what is said of where it comes from.
#include <string>
#include <string_view>
#include <utility>

#include "gossamer/http/reverse_proxy.hpp"
#include "gossamer/net/addr.hpp"
#include "http/field_lists.hpp"
#include "http/proxy/hop_by_hop.hpp"

namespace gossamer::inline v0::http {

namespace {

// With one slash between them.
std::string joined(std::string_view a, std::string_view b, bool slash_behind_a, bool slash_before_b) {
  std::string to(a);
  if (!slash_behind_a && !slash_before_b) {
    to += '/';
  }
  to += b.substr(slash_behind_a && slash_before_b ? 1 : 0);
  return to;
}

// A slash that is encoded is none: whether there is one is seen in the paths as they are sent.
void put_below(const url& base, url& u) {
  const bool raw = !base.raw_path.empty() || !u.raw_path.empty();
  const std::string above = raw ? base.escaped_path() : base.path;
  const std::string below = raw ? u.escaped_path() : u.path;
  const bool behind = above.ends_with('/');
  const bool before = below.starts_with('/');
  std::string path = joined(base.path, u.path, behind, before);
  u.raw_path = raw ? joined(above, below, behind, before) : std::string();
  u.path = std::move(path);
}

void route(url& u, const url& target) {
  u.scheme = target.scheme;
  u.host = target.host;
  u.opaque.clear();  // it would stand in the place of the path
  put_below(target, u);
  const bool both = !target.raw_query.empty() && !u.raw_query.empty();
  u.raw_query = target.raw_query + (both ? "&" : "") + u.raw_query;
}

// Puts the client's address behind what the field has. False where it has none.
bool append_client(header& h, std::string_view remote_addr) {
  const auto [host, port, err] = net::split_host_port(remote_addr);
  if (err) {
    return false;
  }
  std::string all;
  for (const std::string_view earlier : h.values("X-Forwarded-For")) {
    (all += earlier) += ", ";
  }
  h.set("X-Forwarded-For", all + host);
  return true;
}

}  // namespace

void proxy_request::set_url(const url& target) {
  route(out.url, target);
  out.host.clear();
}

void proxy_request::set_x_forwarded() {
  if (!append_client(out.header, in.remote_addr)) {
    out.header.del("X-Forwarded-For");
  }
  out.header.set("X-Forwarded-Host", in.host);
  out.header.set("X-Forwarded-Proto", in.tls ? "https" : "http");
}

reverse_proxy new_single_host_reverse_proxy(url target) {
  reverse_proxy proxy;
  proxy.rewrite = [target = std::move(target)](proxy_request& p) {
    route(p.out.url, target);
    for (const std::string_view name : forwarding_fields) {
      if (lists_token(p.in.header, "Connection", name)) {
        continue;
      }
      for (const std::string_view value : p.in.header.values(name)) {
        p.out.header.add(name, value);
      }
    }
    append_client(p.out.header, p.in.remote_addr);
  };
  return proxy;
}

}  // namespace gossamer::inline v0::http
