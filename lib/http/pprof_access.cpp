// pprof_access: see pprof_access.hpp, and gossamer/http/pprof.hpp for the rules.
#include "http/pprof_access.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "gossamer/http/respond.hpp"
#include "gossamer/http/server.hpp"
#include "gossamer/net/addr.hpp"
#include "http/ascii.hpp"

namespace gossamer::inline v0::http::pprof {

namespace {

// `host`, `host:port`, `[host]:port`, `[host]`: the host.
std::string_view without_port(std::string_view host) noexcept {
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    const std::string_view rest = end == host.npos ? "?" : host.substr(end + 1);
    return rest.empty() || rest.starts_with(':') ? host.substr(1, end - 1) : std::string_view();
  }
  const std::size_t colon = host.find(':');
  return colon == host.rfind(':') ? host.substr(0, colon) : host;
}

bool is_loopback_address(std::string_view text) {
  const std::optional<net::ip> address = net::ip::parse(text);
  return address && address->is_loopback();
}

bool is_loopback_name(std::string_view host) {
  constexpr std::string_view local = "localhost";
  if (host.ends_with('.')) {
    host.remove_suffix(1);
  }
  if (host.size() > local.size() && host[host.size() - local.size() - 1] == '.') {
    host.remove_prefix(host.size() - local.size());
  }
  return same_name(host, local) || is_loopback_address(host);
}

bool was_passed_on(const http::header& fields) noexcept {
  constexpr std::array<std::string_view, 4> signs{"Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"};
  for (const std::string_view name : signs) {
    if (fields.has(name)) {
      return true;
    }
  }
  return false;
}

bool came_by_unix_socket(const request& r) {
  const net::addr* const local = r.context().value<net::addr>(local_addr_context_key);
  return local != nullptr && local->as<net::unix_addr>() != nullptr;
}

// Why not; empty if it may.
std::string_view objection(const request& r) {
  if (was_passed_on(r.header)) {
    return "this one was passed on by a proxy";
  }
  if (came_by_unix_socket(r)) {
    return {};
  }
  if (!is_loopback_address(without_port(r.remote_addr))) {
    return "this one has come from another";
  }
  if (!is_loopback_name(without_port(r.host))) {
    return "this one asks for a host whose name is not localhost";
  }
  return {};
}

}  // namespace

bool admits(const options& how, response_writer& w, const request& r) {
  const std::string_view why = how.allow_remote ? std::string_view() : objection(r);
  if (!why.empty()) {
    std::string text = "The debug pages answer requests that come from this machine, and ";
    (text += why) += ". To allow others, mount the pages with http::pprof::options{.allow_remote = true}.";
    http::error(w, text, status_forbidden);
    return false;
  }
  http::header& to = w.header();
  to.set("X-Content-Type-Options", "nosniff");
  to.set("Cross-Origin-Resource-Policy", "same-origin");
  to.set("Cache-Control", "no-store");
  return true;
}

}  // namespace gossamer::inline v0::http::pprof
