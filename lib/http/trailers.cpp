#include "http/trailers.hpp"

#include <algorithm>
#include <array>

#include "gossamer/http/response_writer.hpp"
#include "http/ascii.hpp"
#include "http/field_lists.hpp"
#include "http/stable_order.hpp"

namespace gossamer::inline v0::http {

bool may_be_trailer(std::string_view name) noexcept {
  static constexpr std::array<std::string_view, 19> never{"Authorization",
                                                          "Cache-Control",
                                                          "Connection",
                                                          "Content-Encoding",
                                                          "Content-Length",
                                                          "Content-Range",
                                                          "Content-Type",
                                                          "Expect",
                                                          "Host",
                                                          "Keep-Alive",
                                                          "Max-Forwards",
                                                          "Pragma",
                                                          "Proxy-Authenticate",
                                                          "Proxy-Authorization",
                                                          "Proxy-Connection",
                                                          "Range",
                                                          "Realm",
                                                          "Te",
                                                          "Trailer"};
  return !name.starts_with("If-") && !same_name(name, "Transfer-Encoding") && !same_name(name, "Www-Authenticate") &&
         std::ranges::none_of(never, [name](std::string_view n) { return same_name(n, name); });
}

std::vector<std::string> declared_trailers(const header& sent) {
  std::vector<std::string> names;
  for (const header::field& f : sent) {
    if (f.name == "Trailer") {
      list_names(f.value, names);
    }
  }
  std::erase_if(names, [](const std::string& name) { return !may_be_trailer(name); });
  sort_once(names);
  return names;
}

std::vector<std::pair<std::string, std::string_view>> trailers_of(const header& fields, const header& sent) {
  const std::vector<std::string> declared = declared_trailers(sent);
  std::vector<std::pair<std::string, std::string_view>> all;
  for (const header::field& f : fields) {
    const bool by_prefix = f.name.starts_with(trailer_prefix);
    if (!by_prefix && !std::ranges::binary_search(declared, f.name)) {
      continue;
    }
    std::string name = by_prefix ? f.name.substr(trailer_prefix.size()) : f.name;
    canonicalize(name);
    if (is_token(name) && may_be_trailer(name)) {
      all.emplace_back(std::move(name), f.value);
    }
  }
  sort_in_order(all, [](const auto& f) { return std::string_view(f.first); });
  return all;
}

}  // namespace gossamer::inline v0::http
