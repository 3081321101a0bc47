// net/resolve: from text to the address of one kind, and from an address back to its names.
// Source: Go's net.ResolveTCPAddr, ResolveUDPAddr, ResolveUnixAddr, LookupAddr.
#pragma once

#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../detail/config.hpp"
#include "../error.hpp"
#include "addr.hpp"
#include "error.hpp"

namespace gossamer::inline v0::net {

// The address of `host:port`, each of them as where it is dialed: names are looked up (see lookup_ip()), and `end` ends
// that. Of a name that has several the first IPv4 address; of one in brackets an IPv6 address. No host: an address
// without an ip; no text at all: the same, with port 0. `network` is tcp, tcp4 or tcp6; none is tcp. From fibers and
// plain threads.
// Errors: `unknown network udp`, `address X: missing port in address`, `address 99999: invalid port`, `lookup
// nobody.invalid: no such host`, `address ::1: no suitable address found` (for tcp4).
[[nodiscard]] GOSSAMER_API std::pair<tcp_addr, error> resolve_tcp_addr(
    std::string_view network, std::string_view address, const ending& end = {},
    std::source_location where = std::source_location::current());
// The same of udp, udp4 and udp6; none is udp.
[[nodiscard]] GOSSAMER_API std::pair<udp_addr, error> resolve_udp_addr(
    std::string_view network, std::string_view address, const ending& end = {},
    std::source_location where = std::source_location::current());
// Of unix, unixgram and unixpacket: any text is a name. Does not wait.
// Error: `unknown network tcp`.
[[nodiscard]] GOSSAMER_API std::pair<unix_addr, error> resolve_unix_addr(std::string_view network,
                                                                         std::string_view address);

// The names of an IP address, by the system's own means (getnameinfo), which know one: in a blocking call of its own,
// as lookup_ip() does. A name with a dot in it ends with one. What is no name of a host (digits alone, or with other
// characters than letters, digits, `-`, `_` and `.`) is not handed on: who runs that address chooses the answer.
// From fibers and plain threads.
// Errors: `lookup 192.0.2.7: no such host`, `lookup 127.1: invalid address`, `lookup 192.0.2.7: DNS response contained
// records which contain invalid names`.
[[nodiscard]] GOSSAMER_API std::pair<std::vector<std::string>, error> lookup_addr(
    std::string_view address, const ending& end = {}, std::source_location where = std::source_location::current());

}  // namespace gossamer::inline v0::net
