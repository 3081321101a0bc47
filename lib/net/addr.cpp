// addr: see gossamer/net/addr.hpp.
#include "gossamer/net/addr.hpp"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>
#include <iterator>
#include <ostream>

#include "gossamer/detail/text.hpp"
#include "gossamer/net/error.hpp"

namespace gossamer::inline v0::net {

namespace {

std::optional<std::uint32_t> parse_zone(std::string_view zone) {
  if (zone.find('\0') != zone.npos) {
    return std::nullopt;  // only what stands before it would be looked at
  }
  const std::string name(zone);
  if (const unsigned index = ::if_nametoindex(name.c_str()); index != 0) {
    return index;
  }
  std::uint32_t n = 0;
  const auto [end, problem] = std::from_chars(zone.data(), zone.data() + zone.size(), n);
  return problem == std::errc() && end == zone.data() + zone.size() ? std::optional(n) : std::nullopt;
}

std::string v4_text(const ip::v6_bytes& b) {
  char text[INET_ADDRSTRLEN] = {};
  return ::inet_ntop(AF_INET, b.data(), text, sizeof text);
}

// RFC 5952, all of it in hexadecimal: inet_ntop() writes the last four bytes of ::7f00:1 as if they were an IPv4
// address.
std::string v6_text(const ip::v6_bytes& b) {
  constexpr std::size_t groups = 8;
  const auto group = [&](std::size_t i) { return static_cast<unsigned>(b[2 * i] << 8 | b[2 * i + 1]); };
  // The first of the longest runs of zeros, of two at least, is left out.
  std::size_t left_out = groups;
  std::size_t longest = 1;
  for (std::size_t i = 0, run = 0; i < groups; ++i) {
    run = group(i) == 0 ? run + 1 : 0;
    if (run > longest) {
      longest = run;
      left_out = i + 1 - run;
    }
  }
  assert(left_out == groups || left_out + longest <= groups);
  std::string s;
  for (std::size_t i = 0; i < groups; ++i) {
    if (i == left_out) {
      s += "::";
      i += longest - 1;
      continue;
    }
    s += s.empty() || s.back() == ':' ? "" : ":";
    char digits[4];
    s.append(digits, std::to_chars(digits, std::end(digits), group(i), 16).ptr);
  }
  assert(s.size() >= 2 && s.size() < INET6_ADDRSTRLEN);
  return s;
}

std::string with_port(const ip& host, std::uint16_t port) {
  return join_host_port(host ? host.text() : std::string(), std::to_string(port));
}

}  // namespace

std::optional<ip> ip::parse(std::string_view text) {
  std::uint32_t zone = 0;
  if (const auto percent = text.find('%'); percent != text.npos) {
    const auto z = text.find(':') < percent ? parse_zone(text.substr(percent + 1)) : std::nullopt;
    if (!z) {
      return std::nullopt;
    }
    zone = *z;
    text = text.substr(0, percent);
  }
  char terminated[INET6_ADDRSTRLEN] = {};
  if (text.size() >= sizeof terminated || text.find('\0') != text.npos) {
    return std::nullopt;
  }
  std::copy(text.begin(), text.end(), terminated);
  v6_bytes b{};
  if (::inet_pton(AF_INET, terminated, b.data()) == 1) {
    return ip(b[0], b[1], b[2], b[3]);
  }
  return ::inet_pton(AF_INET6, terminated, b.data()) == 1 ? std::optional(ip(b, zone)) : std::nullopt;
}

std::string ip::text() const {
  if (version_ == 0) {
    return "<nil>";
  }
  assert(is_v6() || (is_v4() && zone_ == 0));
  std::string s = is_v4() ? v4_text(bytes_) : v6_text(bytes_);
  if (zone_ != 0) {
    char name[IF_NAMESIZE] = {};
    s += '%';
    s += ::if_indextoname(zone_, name) != nullptr ? std::string(name) : std::to_string(zone_);
  }
  return s;
}

std::string tcp_addr::text() const { return with_port(ip, port); }
std::string udp_addr::text() const { return with_port(ip, port); }

std::string addr::network() const {
  return std::visit(
      [](const auto& a) {
        if constexpr (std::is_same_v<decltype(a), const std::monostate&>) {
          return std::string();
        } else {
          return std::string(a.network());
        }
      },
      any_);
}

std::string addr::text() const {
  return std::visit(
      [](const auto& a) {
        if constexpr (std::is_same_v<decltype(a), const std::monostate&>) {
          return std::string("<nil>");
        } else {
          return std::string(a.text());
        }
      },
      any_);
}

std::ostream& operator<<(std::ostream& to, const ip& a) { return to << a.text(); }
std::ostream& operator<<(std::ostream& to, const addr& a) { return to << a.text(); }

net::ip addr::ip() const noexcept {
  if (const auto* t = as<tcp_addr>()) {
    return t->ip;
  }
  const auto* u = as<udp_addr>();
  return u != nullptr ? u->ip : net::ip();
}

std::uint16_t addr::port() const noexcept {
  if (const auto* t = as<tcp_addr>()) {
    return t->port;
  }
  const auto* u = as<udp_addr>();
  return u != nullptr ? u->port : std::uint16_t{0};
}

// Source: Go's SplitHostPort.
std::tuple<std::string, std::string, error> split_host_port(std::string_view address) {
  const auto bad = [&](const char* why) {
    return std::tuple(std::string(), std::string(), error(addr_error(why, std::string(address))));
  };
  const auto none = std::string_view::npos;
  const auto last_colon = address.rfind(':');
  if (last_colon == none) {
    return bad("missing port in address");
  }
  std::string_view host = address.substr(0, last_colon);
  std::size_t no_opening_from = 0;
  std::size_t no_closing_from = 0;
  if (address[0] == '[') {
    const auto end = address.find(']');
    if (end == none) {
      return bad("missing ']' in address");
    }
    if (end + 1 != last_colon) {
      return bad(end + 1 < address.size() && address[end + 1] == ':' ? "too many colons in address"
                                                                     : "missing port in address");
    }
    host = address.substr(1, end - 1);
    no_opening_from = 1;
    no_closing_from = end + 1;
  } else if (host.find(':') != none) {
    return bad("too many colons in address");
  }
  if (address.find('[', no_opening_from) != none) {
    return bad("unexpected '[' in address");
  }
  if (address.find(']', no_closing_from) != none) {
    return bad("unexpected ']' in address");
  }
  return {std::string(host), std::string(address.substr(last_colon + 1)), nullptr};
}

std::string join_host_port(std::string_view host, std::string_view port) {
  const bool brackets = host.find(':') != host.npos;
  std::string s;
  s.reserve(host.size() + port.size() + 3);
  s += brackets ? "[" : "";
  s += host;
  s += brackets ? "]:" : ":";
  s += port;
  assert(s.size() == host.size() + port.size() + (brackets ? 3 : 1));
  return s;
}

}  // namespace gossamer::inline v0::net
