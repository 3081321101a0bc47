// net/addr: addresses. Values, printable through text().
// Source: Go's net.IP, TCPAddr, UDPAddr, UnixAddr, SplitHostPort, JoinHostPort. Networks and masks: ip_net.hpp.
// Differs: an ip knows its zone by number; an IPv4 address that is mapped into IPv6 is the IPv4 address.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>

#include "../detail/config.hpp"
#include "../error.hpp"

namespace gossamer::inline v0::net {

class ip_mask;

// An IPv4 or IPv6 address; or none, which is of no class.
class GOSSAMER_API ip {
 public:
  using v6_bytes = std::array<std::uint8_t, 16>;

  constexpr ip() noexcept = default;
  constexpr ip(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) noexcept
      : bytes_{a, b, c, d}, version_(4) {}
  // `zone`: the index of the interface, for addresses that are good on one link only.
  constexpr explicit ip(const v6_bytes& bytes, std::uint32_t zone = 0) noexcept
      : bytes_(bytes), version_(6), zone_(zone) {
    constexpr v6_bytes mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    for (std::size_t i = 0; i < 12; ++i) {
      if (bytes[i] != mapped[i]) {
        return;
      }
    }
    *this = ip(bytes[12], bytes[13], bytes[14], bytes[15]);
  }

  // `192.0.2.1`, `2001:db8::1`, `fe80::1%eth0`; empty if it is none of these.
  static std::optional<ip> parse(std::string_view text);

  constexpr bool is_v4() const noexcept { return version_ == 4; }
  constexpr bool is_v6() const noexcept { return version_ == 6; }
  bool is_loopback() const noexcept;
  // 0.0.0.0 or ::.
  bool is_unspecified() const noexcept;
  // 10/8, 172.16/12, 192.168/16 (RFC 1918), fc00::/7 (RFC 4193). It says nothing about who can reach whom: no guard by
  // itself.
  bool is_private() const noexcept;
  // 224/4, ff00::/8.
  bool is_multicast() const noexcept;
  // ff01::/16, whichever its flags are; no IPv4 address.
  bool is_interface_local_multicast() const noexcept;
  // 224.0.0/24, ff02::/16, whichever its flags are.
  bool is_link_local_multicast() const noexcept;
  // 169.254/16, fe80::/10.
  bool is_link_local_unicast() const noexcept;
  // One host's, and good beyond one link: whatever is none of unspecified, loopback, multicast, link-local and
  // 255.255.255.255. Private ones are.
  bool is_global_unicast() const noexcept;

  // What is left of the address under the mask, without a zone. Under a mask of 16 bytes an IPv4 address counts as the
  // IPv6 address that it is mapped to. None if one of them is none, or for an IPv6 address under a mask of 4 bytes.
  ip mask(const ip_mask& m) const noexcept;
  // Of an IPv4 address that of its class: /8 below 128, /16 below 192, else /24. nil for others.
  ip_mask default_mask() const noexcept;

  // Of an IPv4 address the first four count.
  constexpr const v6_bytes& bytes() const noexcept { return bytes_; }
  constexpr std::uint32_t zone() const noexcept { return zone_; }
  // `<nil>` for none.
  std::string text() const;

  explicit operator bool() const noexcept { return version_ != 0; }
  friend bool operator==(const ip&, const ip&) = default;

 private:
  v6_bytes bytes_{};
  std::uint8_t version_ = 0;
  std::uint32_t zone_ = 0;
};

// Well-known addresses.
inline constexpr ip ipv4_bcast(255, 255, 255, 255);  // limited broadcast
inline constexpr ip ipv4_allsys(224, 0, 0, 1);
inline constexpr ip ipv4_allrouter(224, 0, 0, 2);
inline constexpr ip ipv4_zero(0, 0, 0, 0);
inline constexpr ip ipv6_zero(ip::v6_bytes{});
inline constexpr ip ipv6_unspecified = ipv6_zero;
inline constexpr ip ipv6_loopback(ip::v6_bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
inline constexpr ip ipv6_interface_local_all_nodes(ip::v6_bytes{0xff, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
inline constexpr ip ipv6_link_local_all_nodes(ip::v6_bytes{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
inline constexpr ip ipv6_link_local_all_routers(ip::v6_bytes{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2});

// No ip, 0.0.0.0 or ::: every address of this machine (listening), or this machine (dialing).
struct GOSSAMER_API tcp_addr {
  net::ip ip;
  std::uint16_t port = 0;

  static constexpr std::string_view network() noexcept { return "tcp"; }
  std::string text() const;
  friend bool operator==(const tcp_addr&, const tcp_addr&) = default;
};

// The address of a UDP socket.
struct GOSSAMER_API udp_addr {
  net::ip ip;
  std::uint16_t port = 0;

  static constexpr std::string_view network() noexcept { return "udp"; }
  std::string text() const;
  friend bool operator==(const udp_addr&, const udp_addr&) = default;
};

// A path; an abstract one begins with @. A socket without a name is `@`.
struct unix_addr {
  std::string name;
  std::string net = "unix";  // or unixgram, unixpacket

  const std::string& network() const noexcept { return net; }
  const std::string& text() const noexcept { return name; }
  friend bool operator==(const unix_addr&, const unix_addr&) = default;
};

// The address of a connection of another kind, such as pipe().
struct named_addr {
  std::string net;
  std::string name;

  const std::string& network() const noexcept { return net; }
  const std::string& text() const noexcept { return name; }
  friend bool operator==(const named_addr&, const named_addr&) = default;
};

// One of these, or none.
class GOSSAMER_API addr {
 public:
  addr() noexcept = default;
  addr(std::nullptr_t) noexcept {}
  addr(tcp_addr a) noexcept : any_(a) {}
  addr(udp_addr a) noexcept : any_(a) {}
  addr(unix_addr a) noexcept : any_(std::move(a)) {}
  addr(named_addr a) noexcept : any_(std::move(a)) {}

  // `tcp`, `udp`, `unix`, …; empty for none.
  std::string network() const;
  // `127.0.0.1:80`, `[::1]:80`, `/run/x.sock`; `<nil>` for none.
  std::string text() const;
  // The address, if it is of that kind; else null.
  template <class A>
  const A* as() const noexcept {
    return std::get_if<A>(&any_);
  }
  // Of a tcp or udp address; else none, and 0.
  net::ip ip() const noexcept;
  std::uint16_t port() const noexcept;

  explicit operator bool() const noexcept { return any_.index() != 0; }
  friend bool operator==(const addr&, const addr&) = default;

 private:
  std::variant<std::monostate, tcp_addr, udp_addr, unix_addr, named_addr> any_;
};

// Their text(); of tcp_addr and the others, too.
GOSSAMER_API std::ostream& operator<<(std::ostream& to, const ip& a);
GOSSAMER_API std::ostream& operator<<(std::ostream& to, const addr& a);

// The two parts of `host:port`, `[host]:port` or `[host%zone]:port`.
// Errors: `address X: missing port in address`, `… too many colons in address`, `… missing ']' in address`.
[[nodiscard]] GOSSAMER_API std::tuple<std::string, std::string, error> split_host_port(std::string_view address);
// The inverse: a host with a colon in it comes into brackets.
[[nodiscard]] GOSSAMER_API std::string join_host_port(std::string_view host, std::string_view port);

}  // namespace gossamer::inline v0::net
