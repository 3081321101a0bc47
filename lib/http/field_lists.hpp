// field_lists: fields whose values are lists.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "gossamer/http/header.hpp"

namespace gossamer::inline v0::http {

// Whether one of the fields of that name has the token in its list.
bool lists_token(const header& h, std::string_view name, std::string_view token) noexcept;

// Puts the names that a value lists behind the others, in canonical spelling: as they came, some perhaps several times.
void list_names(std::string_view value, std::vector<std::string>& to);

// Each once, in order.
template <class Text>
void sort_once(std::vector<Text>& names) {
  std::ranges::sort(names);
  const auto rest = std::ranges::unique(names);
  names.erase(rest.begin(), rest.end());
}

// What `Pragma: no-cache` means where there is no Cache-Control. Source: Go's fixPragmaCacheControl.
void pragma_to_cache_control(header& h);

// To which protocol who has sent this wants to go over; empty: none. A view of a value.
std::string_view upgrade_type(const header& h) noexcept;

}  // namespace gossamer::inline v0::http
