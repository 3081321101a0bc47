// ip_net: see gossamer/net/ip_net.hpp.
#include "gossamer/net/ip_net.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <charconv>
#include <optional>
#include <ostream>

#include "gossamer/net/error.hpp"

namespace gossamer::inline v0::net {

namespace {

constexpr std::size_t v4_length = 4;
constexpr std::size_t v6_length = 16;

using byte_view = std::span<const std::uint8_t>;

// Where the last four bytes stand of an address that is mapped, and of a mask for it.
constexpr std::size_t v4_offset = v6_length - v4_length;

// How many ones it begins with; none if there are others.
std::optional<int> simple_length(byte_view mask) noexcept {
  const auto first = std::find_if(mask.begin(), mask.end(), [](std::uint8_t b) { return b != 0xff; });
  auto ones = static_cast<int>(first - mask.begin()) * 8;
  if (first == mask.end()) {
    return ones;
  }
  const int here = std::countl_one(*first);
  const bool others =
      (*first & (0xff >> here)) != 0 || std::any_of(first + 1, mask.end(), [](auto b) { return b != 0; });
  return others ? std::nullopt : std::optional(ones + here);
}

// Of an IPv4 address 4, of an IPv6 address 16, of none 0.
byte_view bytes_of(const ip& a) noexcept {
  return {a.bytes().data(), a.is_v4() ? v4_length : a.is_v6() ? v6_length : 0};
}

// What of the mask is for that address; nothing if they do not fit.
byte_view mask_for(const ip& a, const ip_mask& m) noexcept {
  const byte_view all = m.bytes();
  if (a.is_v4()) {
    return all.size() == v6_length ? all.subspan(v4_offset) : all;
  }
  return a.is_v6() && all.size() == v6_length ? all : byte_view();
}

}  // namespace

// ---- masks ----------------------------------------------------------------------------------------------------------

std::pair<int, int> ip_mask::size() const noexcept {
  const auto ones = simple_length(bytes());
  return ones ? std::pair(*ones, length_ * 8) : std::pair(0, 0);
}

std::string ip_mask::text() const {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string s = *this ? "" : "<nil>";
  for (const std::uint8_t b : bytes()) {
    s += digits[b >> 4];
    s += digits[b & 0xf];
  }
  return s;
}

ip_mask cidr_mask(int ones, int bits) noexcept {
  if ((bits != 32 && bits != 128) || ones < 0 || ones > bits) {
    return nullptr;
  }
  ip::v6_bytes b{};
  for (std::uint8_t& each : b) {
    each = static_cast<std::uint8_t>(0xff00 >> std::min(ones, 8));
    ones -= std::min(ones, 8);
  }
  assert(ones == 0);
  return bits == 128 ? ip_mask(b) : ip_mask(ip_mask::v4_bytes{b[0], b[1], b[2], b[3]});
}

ip ip::mask(const ip_mask& m) const noexcept {
  const byte_view of = m.bytes();
  v6_bytes b = bytes_;
  if (is_v4() && of.size() == v6_length) {  // as it is mapped
    b = {};
    b[10] = b[11] = 0xff;
    std::copy_n(bytes_.begin(), v4_length, b.begin() + v4_offset);
  } else if (of.empty() || of.size() != bytes_of(*this).size()) {
    return {};
  }
  assert(of.size() == v4_length || of.size() == v6_length);
  for (std::size_t i = 0; i < of.size(); ++i) {
    b[i] &= of[i];
  }
  return of.size() == v4_length ? ip(b[0], b[1], b[2], b[3]) : ip(b);
}

ip_mask ip::default_mask() const noexcept {
  if (!is_v4()) {
    return nullptr;
  }
  return cidr_mask(bytes_[0] < 0x80 ? 8 : bytes_[0] < 0xc0 ? 16 : 24, 32);
}

// ---- networks -------------------------------------------------------------------------------------------------------

bool ip_net::contains(const net::ip& a) const noexcept {
  const byte_view m = mask_for(ip, mask);
  const byte_view own = bytes_of(ip);
  const byte_view other = bytes_of(a);
  if (m.empty() || own.size() != other.size()) {
    return false;
  }
  assert(m.size() == own.size());
  for (std::size_t i = 0; i < m.size(); ++i) {
    if (((own[i] ^ other[i]) & m[i]) != 0) {
      return false;
    }
  }
  return true;
}

std::string ip_net::text() const {
  const byte_view m = mask_for(ip, mask);
  if (m.empty()) {
    return "<nil>";
  }
  const net::ip plain = ip.is_v4() ? ip : net::ip(ip.bytes());
  const auto ones = simple_length(m);
  if (ones) {
    return plain.text() + "/" + std::to_string(*ones);
  }
  const ip_mask shown = m.size() == v4_length ? ipv4_mask(m[0], m[1], m[2], m[3]) : mask;
  return plain.text() + "/" + shown.text();
}

std::ostream& operator<<(std::ostream& to, const ip_mask& m) { return to << m.text(); }
std::ostream& operator<<(std::ostream& to, const ip_net& n) { return to << n.text(); }

// Source: Go's ParseCIDR: the mask of an address that is written as an IPv6 one has 128 bits, also where it is mapped.
std::tuple<ip, ip_net, error> parse_cidr(std::string_view text) {
  const auto bad = [&] { return std::tuple(ip(), ip_net(), error(parse_error("CIDR address", std::string(text)))); };
  const auto slash = text.find('/');
  if (slash == text.npos) {
    return bad();
  }
  const std::string_view host = text.substr(0, slash);
  const std::string_view length = text.substr(slash + 1);
  const auto address = host.find('%') == host.npos ? ip::parse(host) : std::nullopt;
  const int bits = host.find(':') != host.npos ? 128 : 32;
  unsigned ones = 0;
  const auto [end, problem] = std::from_chars(length.data(), length.data() + length.size(), ones);
  if (!address || problem != std::errc() || end != length.data() + length.size() ||
      ones > static_cast<unsigned>(bits)) {
    return bad();
  }
  const ip_mask mask = cidr_mask(static_cast<int>(ones), bits);
  assert(mask.size() == std::pair(static_cast<int>(ones), bits));
  return {*address, ip_net{address->mask(mask), mask}, nullptr};
}

}  // namespace gossamer::inline v0::net
