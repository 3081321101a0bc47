// net/ip_net: networks of addresses, and masks.
// Source: Go's net.IPMask, IPNet, CIDRMask, IPv4Mask, ParseCIDR. Differs: a mask has 4 bytes, or 16, or is nil.
//
//   auto [ip, inner, err] = net::parse_cidr("10.1.0.0/16");
//   if (inner.contains(c.remote_addr().ip())) …
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "../detail/config.hpp"
#include "../error.hpp"
#include "addr.hpp"

namespace gossamer::inline v0::net {

// Which bits of an address count: those that are ones. nil by default.
class GOSSAMER_API ip_mask {
 public:
  using v4_bytes = std::array<std::uint8_t, 4>;

  constexpr ip_mask() noexcept = default;
  constexpr ip_mask(std::nullptr_t) noexcept {}
  constexpr explicit ip_mask(const v4_bytes& b) noexcept : bytes_{b[0], b[1], b[2], b[3]}, length_(4) {}
  constexpr explicit ip_mask(const ip::v6_bytes& b) noexcept : bytes_(b), length_(16) {}

  // 4, 16 or, of nil, none; while this mask lives.
  constexpr std::span<const std::uint8_t> bytes() const noexcept { return {bytes_.data(), length_}; }
  // How many ones it begins with, and how many bits it has. 0 and 0 if ones come behind a zero.
  std::pair<int, int> size() const noexcept;
  // All of it in hexadecimal: `ffffff00`. `<nil>` for nil.
  std::string text() const;

  constexpr explicit operator bool() const noexcept { return length_ != 0; }
  friend bool operator==(const ip_mask&, const ip_mask&) = default;

 private:
  ip::v6_bytes bytes_{};
  std::uint8_t length_ = 0;
};

// So many ones, and then zeros, of 32 or 128 bits; nil if there is no such mask.
[[nodiscard]] GOSSAMER_API ip_mask cidr_mask(int ones, int bits) noexcept;
[[nodiscard]] constexpr ip_mask ipv4_mask(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) noexcept {
  return ip_mask(ip_mask::v4_bytes{a, b, c, d});
}

// A network. A mask of 16 bytes has its last four for an IPv4 address; one of 4 none for an IPv6 address.
struct GOSSAMER_API ip_net {
  net::ip ip;
  ip_mask mask;

  // Whether it has the same bits as `ip` where the mask has ones. False for an address of the other version, and where
  // ip and mask do not fit.
  bool contains(const net::ip& a) const noexcept;
  static constexpr std::string_view network() noexcept { return "ip+net"; }
  // `192.0.2.0/24`, `2001:db8::/48`; `198.51.100.0/c000ff00` if ones of the mask come behind a zero; `<nil>` where ip
  // and mask do not fit.
  std::string text() const;
  friend bool operator==(const ip_net&, const ip_net&) = default;
};

// Their text().
GOSSAMER_API std::ostream& operator<<(std::ostream& to, const ip_mask& m);
GOSSAMER_API std::ostream& operator<<(std::ostream& to, const ip_net& n);

// The address and the network of `192.0.2.1/24` or `2001:db8::1/32`: 192.0.2.1 and 192.0.2.0/24. No zone.
// Error: a parse_error, `invalid CIDR address: 192.0.2.1/33`.
[[nodiscard]] GOSSAMER_API std::tuple<ip, ip_net, error> parse_cidr(std::string_view text);

}  // namespace gossamer::inline v0::net
