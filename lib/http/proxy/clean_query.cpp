#include "http/proxy/clean_query.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "gossamer/http/values.hpp"
#include "http/hex.hpp"

namespace gossamer::inline v0::http {

namespace {

bool is_clean_query(std::string_view query) noexcept {
  constexpr std::ptrdiff_t most = 10'000;
  if (std::ranges::count(query, '&') + 1 > most || query.find(';') != query.npos) {
    return false;
  }
  for (std::size_t at = 0; (at = query.find('%', at)) != query.npos; at += 3) {
    if (hex_byte(query.substr(at + 1)) < 0) {
      return false;
    }
  }
  return true;
}

}  // namespace

void clean_query(std::string& query) {
  if (!is_clean_query(query)) {
    query = parse_query(query).first.encode();
  }
}

}  // namespace gossamer::inline v0::http
