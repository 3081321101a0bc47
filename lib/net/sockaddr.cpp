// sockaddr: see sockaddr.hpp.
#include "net/sockaddr.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <string>

namespace gossamer::inline v0::net {

namespace {

using kind = network::kind;

constexpr network networks[] = {
    {"tcp", kind::tcp, 0, SOCK_STREAM},
    {"tcp4", kind::tcp, 4, SOCK_STREAM},
    {"tcp6", kind::tcp, 6, SOCK_STREAM},
    {"udp", kind::udp, 0, SOCK_DGRAM},
    {"udp4", kind::udp, 4, SOCK_DGRAM},
    {"udp6", kind::udp, 6, SOCK_DGRAM},
    {"unix", kind::unix_, 0, SOCK_STREAM},
    {"unixgram", kind::unix_, 0, SOCK_DGRAM},
    {"unixpacket", kind::unix_, 0, SOCK_SEQPACKET},
};

constexpr std::size_t path_offset = offsetof(sockaddr_un, sun_path);

void to_v4(const ip& host, std::uint16_t port, native_addr& to) noexcept {
  assert(!host.is_v6());
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  std::memcpy(&a.sin_addr, host.bytes().data(), 4);
  std::memcpy(&to.bytes, &a, sizeof a);
  to.size = sizeof a;
}

void to_v6(const ip& host, std::uint16_t port, native_addr& to) noexcept {
  sockaddr_in6 a{};
  a.sin6_family = AF_INET6;
  a.sin6_port = htons(port);
  a.sin6_scope_id = host.zone();
  if (host.is_v6()) {
    std::memcpy(&a.sin6_addr, host.bytes().data(), 16);
  } else if (host.is_v4() && !host.is_unspecified()) {
    a.sin6_addr.s6_addr[10] = a.sin6_addr.s6_addr[11] = 0xff;
    std::memcpy(&a.sin6_addr.s6_addr[12], host.bytes().data(), 4);
  }
  std::memcpy(&to.bytes, &a, sizeof a);
  to.size = sizeof a;
}

bool to_unix(const std::string& name, native_addr& to) noexcept {
  sockaddr_un a{};
  a.sun_family = AF_UNIX;
  // A path needs its zero; an abstract name has one in front instead of the @, and may have others.
  const bool abstract = !name.empty() && is_abstract(name);
  if (name.size() + (abstract ? 0 : 1) > sizeof a.sun_path || (!abstract && name.find('\0') != name.npos)) {
    return false;
  }
  std::memcpy(a.sun_path, name.data(), name.size());
  if (abstract) {
    a.sun_path[0] = 0;
  }
  std::memcpy(&to.bytes, &a, sizeof a);
  to.size = static_cast<socklen_t>(path_offset + name.size() + (abstract || name.empty() ? 0 : 1));
  assert(to.size >= path_offset && to.size <= sizeof a);
  return true;
}

}  // namespace

std::string network::exact_name(int family) const {
  assert(is_unix() == (family == AF_UNIX));
  return std::string(name) + (is_unix() || version != 0 ? "" : family == AF_INET ? "4" : "6");
}

bool network::has(const addr& a) const noexcept {
  const auto* const u = a.as<unix_addr>();
  return is_unix()         ? u != nullptr && u->net == name
         : of == kind::udp ? a.as<udp_addr>() != nullptr
                           : a.as<tcp_addr>() != nullptr;
}

addr network::at(const ip& host, std::uint16_t port) const noexcept {
  assert(!is_unix());
  return of == kind::udp ? addr(udp_addr{host, port}) : addr(tcp_addr{host, port});
}

const network* find_network(std::string_view name) noexcept {
  const auto* const found =
      std::find_if(std::begin(networks), std::end(networks), [&](const network& n) { return n.name == name; });
  return found != std::end(networks) ? found : nullptr;
}

bool is_abstract(std::string_view name) noexcept { return name.empty() || name[0] == '@' || name[0] == '\0'; }

bool to_native(const addr& a, int family, native_addr& to) noexcept {
  assert(family == AF_INET || family == AF_INET6 || family == AF_UNIX);
  if (const auto* u = a.as<unix_addr>()) {
    return family == AF_UNIX && to_unix(u->name, to);
  }
  const ip host = a.ip();
  if (a.as<named_addr>() != nullptr || !a || family == AF_UNIX || (family == AF_INET && host.is_v6())) {
    return false;
  }
  (family == AF_INET ? to_v4 : to_v6)(host, a.port(), to);
  return true;
}

addr_error not_v4(const addr& a) { return {"non-IPv4 address", a.ip().text()}; }

addr from_native(const native_addr& a, const network& net) {
  if (net.is_unix()) {
    sockaddr_un u{};
    std::memcpy(&u, &a.bytes, std::min<std::size_t>(a.size, sizeof u));
    if (a.size == 0) {
      return nullptr;
    }
    std::string name = "@";
    if (a.size > path_offset) {
      const std::size_t room = std::min<std::size_t>(a.size, sizeof u) - path_offset;
      name = u.sun_path[0] == 0 ? "@" + std::string(u.sun_path + 1, room - 1)
                                : std::string(u.sun_path, ::strnlen(u.sun_path, room));
    }
    return unix_addr{std::move(name), std::string(net.name)};
  }
  if (a.bytes.ss_family == AF_INET && a.size >= sizeof(sockaddr_in)) {
    sockaddr_in v4{};
    std::memcpy(&v4, &a.bytes, sizeof v4);
    std::uint8_t b[4];
    std::memcpy(b, &v4.sin_addr, 4);
    return net.at(ip(b[0], b[1], b[2], b[3]), ntohs(v4.sin_port));
  }
  if (a.bytes.ss_family == AF_INET6 && a.size >= sizeof(sockaddr_in6)) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &a.bytes, sizeof v6);
    ip::v6_bytes b;
    std::memcpy(b.data(), &v6.sin6_addr, 16);
    return net.at(ip(b, v6.sin6_scope_id), ntohs(v6.sin6_port));
  }
  return nullptr;
}

}  // namespace gossamer::inline v0::net
