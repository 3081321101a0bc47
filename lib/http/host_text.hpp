// host_text: what a Host field may say.
#pragma once

#include <algorithm>
#include <string_view>

#include "http/ascii.hpp"

namespace gossamer::inline v0::http {

constexpr bool is_host_char(char c) noexcept {
  return is_letter(c) || is_digit(c) || std::string_view("!$%&'()*+,-.:;=[]_~").find(c) != std::string_view::npos;
}
constexpr bool is_host_text(std::string_view text) noexcept { return std::ranges::all_of(text, is_host_char); }

}  // namespace gossamer::inline v0::http
