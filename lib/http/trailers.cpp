#include "http/trailers.hpp"

#include <algorithm>
#include <array>

#include "gossamer/http/response_writer.hpp"
#include "http/ascii.hpp"
#include "http/stable_order.hpp"

namespace gossamer::inline v0::http {

bool may_be_trailer(std::string_view name) noexcept {
  static constexpr std::array<std::string_view, 17> never{"Authorization",
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
                                                          "Proxy-Connection",
                                                          "Range",
                                                          "Te",
                                                          "Trailer"};
  return !name.starts_with("If-") && !same_name(name, "Transfer-Encoding") && !same_name(name, "Www-Authenticate") &&
         std::ranges::none_of(never, [name](std::string_view n) { return same_name(n, name); });
}

bool is_declared_trailer(const header& sent, std::string_view name) noexcept {
  return may_be_trailer(name) && std::any_of(sent.begin(), sent.end(), [name](const header::field& f) {
           return f.name == "Trailer" && has_token(f.value, name);
         });
}

std::vector<std::pair<std::string, std::string_view>> trailers_of(const header& fields, const header& sent) {
  std::vector<std::pair<std::string, std::string_view>> all;
  for (const header::field& f : fields) {
    const bool by_prefix = f.name.starts_with(trailer_prefix);
    std::string name = by_prefix ? f.name.substr(trailer_prefix.size()) : f.name;
    canonicalize(name);
    if (is_token(name) && may_be_trailer(name) && (by_prefix || is_declared_trailer(sent, name))) {
      all.emplace_back(std::move(name), f.value);
    }
  }
  sort_in_order(all, [](const auto& f) { return std::string_view(f.first); });
  return all;
}

}  // namespace gossamer::inline v0::http
