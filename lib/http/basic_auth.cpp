// Basic authentication, RFC 7617: see gossamer/http/request.hpp.
#include "gossamer/http/request.hpp"
#include "http/ascii.hpp"
#include "http/base64.hpp"
#include "http/cut.hpp"

namespace gossamer::inline v0::http {

std::optional<credentials> request::basic_auth() const {
  constexpr std::string_view scheme = "Basic ";
  const std::string_view field = header.get("Authorization");
  if (!same_name(field.substr(0, scheme.size()), scheme)) {
    return {};
  }
  const std::optional<std::string> pair = decode_base64(field.substr(scheme.size()));
  if (!pair || pair->find(':') == std::string::npos) {
    return {};
  }
  const auto [user, password] = cut(*pair, ':');
  return credentials{std::string(user), std::string(password)};
}

void request::set_basic_auth(std::string_view user, std::string_view password) {
  std::string pair(user);
  (pair += ':') += password;
  header.set("Authorization", "Basic " + encode_base64(pair));
}

}  // namespace gossamer::inline v0::http
