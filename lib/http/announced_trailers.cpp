#include "http/announced_trailers.hpp"

#include <algorithm>

#include "http/ascii.hpp"
#include "http/field_lists.hpp"
#include "http/trailers.hpp"

namespace gossamer::inline v0::http {

void announced_trailers::list(std::string_view value) {
  const auto names = static_cast<std::size_t>(std::ranges::count(value, ',')) + 1;
  too_many_ = too_many_ || names > most - std::min(most, names_.size());
  if (!too_many_) {
    list_names(value, names_);
  }
}

bool announced_trailers::has(std::string_view name) const noexcept {
  return std::ranges::find(names_, name) != names_.end();
}

void announced_trailers::drop_others() {
  std::erase_if(names_, [](const std::string& name) { return !is_token(name) || !may_be_trailer(name); });
}

void announced_trailers::announce(header& trailer) {
  if (too_many_) {
    names_.clear();
  }
  sort_once(names_);
  for (const std::string& name : names_) {
    trailer.add(name, "");
  }
}

void announced_trailers::put(header& trailer, std::string_view name, std::string_view value) {
  if (!names_.empty()) {
    const std::string key = canonical_header_key(name);
    if (const auto at = std::ranges::lower_bound(names_, key); at != names_.end() && *at == key) {
      trailer.set(key, value);
      names_.erase(at);
      return;
    }
  }
  trailer.add(name, value);
}

}  // namespace gossamer::inline v0::http
