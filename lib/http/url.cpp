#include "gossamer/http/url.hpp"

namespace gossamer::inline v0::http {

std::pair<url, gossamer::error> parse_request_uri(std::string_view text) {
  url u;
  const auto q = text.find('?');
  u.path = text.substr(0, q);
  if (q != text.npos) {
    u.raw_query = text.substr(q + 1);
  }
  return {u, nullptr};
}

}  // namespace gossamer::inline v0::http
