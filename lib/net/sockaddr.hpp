// sockaddr: addresses as the kernel has them, and the networks that there are.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "gossamer/net/addr.hpp"
#include "gossamer/net/error.hpp"

namespace gossamer::inline v0::net {

struct network {
  enum class kind : std::uint8_t { tcp, udp, unix_ };
  std::string_view name;
  kind of;
  int version;  // of IP: 4, 6, or 0 for both
  int type;     // SOCK_STREAM, SOCK_SEQPACKET or SOCK_DGRAM

  bool is_unix() const noexcept { return of == kind::unix_; }
  // Of bytes, which keeps no bounds of messages.
  bool is_stream() const noexcept { return type == SOCK_STREAM; }
  // Whether its sockets are listened on, and accepted.
  bool has_listeners() const noexcept { return type != SOCK_DGRAM; }
  // With the version that a socket of that family has. Source: Go's netFD.ctrlNetwork.
  std::string exact_name(int family) const;
  // Whether it is an address of this network's kind.
  bool has(const addr& a) const noexcept;
  // An address of this network.
  addr at(const ip& host, std::uint16_t port) const noexcept;
};

// Null if there is none of that name. Theirs is static storage.
const network* find_network(std::string_view name) noexcept;

struct native_addr {
  sockaddr_storage bytes{};
  socklen_t size = sizeof(sockaddr_storage);

  sockaddr* data() noexcept { return reinterpret_cast<sockaddr*>(&bytes); }
  const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&bytes); }
};

// For a socket of that family (an IPv4 address is mapped into IPv6 where it must be). False if it cannot be had: the
// other way round, or a path that is too long or has a zero in it.
bool to_native(const addr& a, int family, native_addr& to) noexcept;
// Whether the name of a unix socket is no path: none, or one that begins with @, or with the zero that it stands for.
bool is_abstract(std::string_view name) noexcept;
// What to_native() refuses with for an IPv6 address where the socket is one for IPv4.
addr_error not_v4(const addr& a);
// None for a peer that has no address.
addr from_native(const native_addr& a, const network& net);

}  // namespace gossamer::inline v0::net
