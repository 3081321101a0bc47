// cut: what stands before a character, and what behind it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace gossamer::inline v0::http {

// Around the first one; all of it and nothing where there is none. Source: Go's strings.Cut.
constexpr std::pair<std::string_view, std::string_view> cut(std::string_view text, char at) noexcept {
  const std::size_t i = std::min(text.find(at), text.size());
  return {text.substr(0, i), text.substr(std::min(i + 1, text.size()))};
}

}  // namespace gossamer::inline v0::http
