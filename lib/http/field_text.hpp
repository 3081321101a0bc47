// field_text: a field as it stands in a head.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "http/ascii.hpp"

namespace gossamer::inline v0::http {

// A line's end in a value would begin a field of somebody else's making.
inline void append_field(std::string& to, std::string_view name, std::string_view value) {
  to += name;
  to += ": ";
  const std::size_t at = to.size();
  to += trim(value);
  std::replace_if(
      to.begin() + static_cast<std::ptrdiff_t>(at), to.end(), [](char c) { return c == '\r' || c == '\n'; }, ' ');
  to += "\r\n";
}

}  // namespace gossamer::inline v0::http
