// host_text: what a Host field may say.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "http/ascii.hpp"

namespace gossamer::inline v0::http {

constexpr bool is_host_char(char c) noexcept {
  return is_letter(c) || is_digit(c) || std::string_view("!$%&'()*+,-.:;=[]_~").find(c) != std::string_view::npos;
}
constexpr bool is_host_text(std::string_view text) noexcept { return std::ranges::all_of(text, is_host_char); }

// RFC 6874: the zone of an IPv6 address is for this host alone.
inline void append_without_zone(std::string& to, std::string_view host) {
  const std::size_t end = host.starts_with('[') ? host.rfind(']') : std::string_view::npos;
  const std::size_t zone = end == std::string_view::npos ? end : host.substr(0, end).rfind('%');
  if (zone == std::string_view::npos) {
    to += host;
    return;
  }
  to += host.substr(0, zone);
  to += host.substr(end);
}

}  // namespace gossamer::inline v0::http
