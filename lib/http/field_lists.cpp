#include "http/field_lists.hpp"

#include <utility>

#include "http/ascii.hpp"
#include "http/cut.hpp"

namespace gossamer::inline v0::http {

bool lists_token(const header& h, std::string_view name, std::string_view token) noexcept {
  return std::any_of(h.begin(), h.end(),
                     [&](const header::field& f) { return same_name(f.name, name) && has_token(f.value, token); });
}

void list_names(std::string_view value, std::vector<std::string>& to) {
  while (!value.empty()) {
    const auto [name, rest] = cut(value, ',');
    value = rest;
    if (std::string key = canonical_header_key(trim(name)); !key.empty()) {
      to.push_back(std::move(key));
    }
  }
}

std::string_view upgrade_type(const header& h) noexcept {
  return lists_token(h, "Connection", "Upgrade") ? h.get("Upgrade") : std::string_view();
}

void pragma_to_cache_control(header& h) {
  if (h.get("Pragma") == "no-cache" && !h.has("Cache-Control")) {
    h.add("Cache-Control", "no-cache");
  }
}

}  // namespace gossamer::inline v0::http
