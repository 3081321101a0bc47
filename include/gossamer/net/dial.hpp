// net/dial: how connections and listeners come about, and names become addresses.
// Source: Go's net.Dialer, ListenConfig, Resolver.
//
// Networks: tcp, tcp4, tcp6, udp, udp4, udp6, unix, unixgram, unixpacket. An address is `host:port`, or a path (an
// abstract one begins with @). A host is a name, an IPv4 address, or an IPv6 address in brackets; a port is a number or
// the name of a service. Errors: `dial foo: unknown network foo`, `dial tcp: address X: missing port in address`, `dial
// tcp 127.0.0.1:1: connect: connection refused`, `listen tcp 127.0.0.1:80: bind: address already in use`.
#pragma once

#include <chrono>
#include <functional>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../detail/config.hpp"
#include "../detail/deadline.hpp"
#include "../error.hpp"
#include "addr.hpp"
#include "conn.hpp"
#include "error.hpp"
#include "keep_alive.hpp"

namespace gossamer::inline v0::net {

// What is done with a new socket before it is bound and connected: its options, say. Called in the fiber or thread that
// makes it, with no lock held, so it may wait. `network` is one of the networks above, of tcp and udp with the version;
// `address` the one that is dialed, or listened on, as text. The descriptor stays the library's: not to be closed, not
// to be kept. An error ends the call, which fails with it in its op_error: `dial tcp 127.0.0.1:80: WHY`; the socket is
// closed, as it is if this throws. Source: Go's Dialer.Control.
using control_hook = std::function<error(std::string_view network, std::string_view address, int descriptor)>;
// The same, with what ends the call (of a dialer's limits only the caller's own: a hook that waits longer than its
// `timeout` makes the dial last as long).
using control_context_hook =
    std::function<error(const ending& end, std::string_view network, std::string_view address, int descriptor)>;

// How connections are made. A value; may be used by several at once.
struct GOSSAMER_API dialer {
  using here = std::source_location;

  // How long it may take, names included; 0: no limit but the kernel's; < 0: it is over at once. Several addresses
  // share it.
  std::chrono::nanoseconds timeout{0};
  // The same as a point in time; the earlier one counts.
  time_point deadline = never;
  // From which address; none: the kernel chooses. One of another kind than the network's fails with `mismatched local
  // address type`; addresses of the other version are passed over.
  addr local_addr = nullptr;
  // A name that has addresses of both versions is tried with those of the first one's version, and when this has
  // passed, or they have failed, with the others at the same time: the first connection counts (RFC 6555). < 0: one
  // after the other.
  std::chrono::nanoseconds fallback_delay{300'000'000};
  // How soon a silent peer is asked whether it is there; 0: 15 s; < 0: never. Does not count where keep_alive_config is
  // enabled.
  std::chrono::nanoseconds keep_alive{0};
  net::keep_alive_config keep_alive_config = {};
  // For each address that is tried, and once more for one that is tried again. By two fibers at the same time where a
  // name has addresses of both versions; a panic ends the process then. No call goes on when the dial has returned:
  // that waits for the one that is too late.
  control_hook control = nullptr;
  // Instead of `control`, if it is set.
  control_context_hook control_context = nullptr;

  // A connection to the address. Of udp and unixgram a packet_conn's, which only knows that peer. Of unixpacket one
  // whose writes are messages: a read gets the next one (what does not fit is lost), an empty one is read as the end of
  // the stream, and one that is too long fails with `message too long`.
  std::pair<conn, error> dial(std::string_view network, std::string_view address, here where = here::current()) const {
    return dial_context(ending(), network, address, where);
  }
  std::pair<conn, error> dial_context(const ending& end, std::string_view network, std::string_view address,
                                      here where = here::current()) const;
};

[[nodiscard]] inline std::pair<conn, error> dial(std::string_view network, std::string_view address,
                                                 std::source_location where = std::source_location::current()) {
  return dialer().dial(network, address, where);
}
// Fails with `i/o timeout` once d has passed.
template <class Rep, class Period>
[[nodiscard]] std::pair<conn, error> dial_timeout(std::string_view network, std::string_view address,
                                                  std::chrono::duration<Rep, Period> d,
                                                  std::source_location where = std::source_location::current()) {
  dialer how;
  how.timeout = detail::saturated_nanoseconds(d);
  return how.dial(network, address, where);
}
// Fails with `operation was canceled` once the context is cancelled.
[[nodiscard]] inline std::pair<conn, error> dial_context(const ending& end, std::string_view network,
                                                         std::string_view address,
                                                         std::source_location where = std::source_location::current()) {
  return dialer().dial_context(end, network, address, where);
}

// How listeners are made. A value; may be used by several at once.
struct GOSSAMER_API listen_config {
  using here = std::source_location;

  // How many connections may wait to be accepted; 0: as many as the kernel allows.
  int backlog = 0;
  // Several sockets may listen on the same port, and share its connections.
  bool reuse_port = false;
  // As dialer::keep_alive, for what is accepted.
  std::chrono::nanoseconds keep_alive{0};
  net::keep_alive_config keep_alive_config = {};
  control_hook control = nullptr;

  // tcp, tcp4, tcp6, unix, unixpacket. A host that is left out, or is 0.0.0.0 or [::], means every address of this
  // machine, of both versions unless the network says which; port 0 is one that is free.
  std::pair<listener, error> listen(std::string_view network, std::string_view address, const ending& end = {},
                                    here where = here::current()) const;
  // udp, udp4, udp6, unixgram.
  std::pair<packet_conn, error> listen_packet(std::string_view network, std::string_view address,
                                              const ending& end = {}, here where = here::current()) const;
};

[[nodiscard]] inline std::pair<listener, error> listen(std::string_view network, std::string_view address,
                                                       std::source_location where = std::source_location::current()) {
  return listen_config().listen(network, address, {}, where);
}
[[nodiscard]] inline std::pair<packet_conn, error> listen_packet(
    std::string_view network, std::string_view address, std::source_location where = std::source_location::current()) {
  return listen_config().listen_packet(network, address, {}, where);
}

// A socket that hears what is sent to the group at its port, on that interface (`eth0`), or, where it is empty, on the
// one that the system chooses. udp, udp4 or udp6. Others of this machine may listen for the same; what it sends to a
// group itself is not heard here. Meant for discovery (mDNS); join further groups by setsockopt(2) on native_handle().
// Errors: `missing address`, `no such network interface`, `address X: no suitable address` for a group of the other
// version, `setsockopt: invalid argument` for an address that is no group's. Source: Go's ListenMulticastUDP.
[[nodiscard]] GOSSAMER_API std::pair<packet_conn, error> listen_multicast_udp(std::string_view network,
                                                                              std::string_view interface_name,
                                                                              const udp_addr& group);

// Names, by the system's own means (getaddrinfo), each look-up in a blocking call of its own. One that is ended goes on
// by itself, and nobody waits for it. Addresses (lookup_host() gives their text back) and `localhost` are answered at
// once. What only looks like an address, 0177.0.0.1 or 127.1, is no host, here and wherever one is named.
// Error: `lookup nobody.invalid: no such host`.
[[nodiscard]] GOSSAMER_API std::pair<std::vector<ip>, error> lookup_ip(
    std::string_view host, const ending& end = {}, std::source_location where = std::source_location::current());
[[nodiscard]] GOSSAMER_API std::pair<std::vector<std::string>, error> lookup_host(
    std::string_view host, const ending& end = {}, std::source_location where = std::source_location::current());
// Of a service, `http`, or a number, which needs no network that is known. Of `ip`, or none: of tcp or udp. Errors:
// `lookup tcp/nothing: unknown port`, `address 99999: invalid port`.
[[nodiscard]] GOSSAMER_API std::pair<int, error> lookup_port(
    std::string_view network, std::string_view service, const ending& end = {},
    std::source_location where = std::source_location::current());

}  // namespace gossamer::inline v0::net
