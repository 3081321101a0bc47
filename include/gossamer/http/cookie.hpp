// http/cookie: what a server asks its clients to keep, and what they send back.
// Source: Go's http.Cookie; RFC 6265. See also request::cookie(), cookies(), add_cookie().
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../detail/config.hpp"
#include "../error.hpp"
#include "../errors.hpp"

namespace gossamer::inline v0::http {

class response_writer;

// `http: named cookie not present`: what request::cookie() returns.
GOSSAMER_API extern const errors::sentinel no_cookie;

// Whether a browser sends the cookie with what other sites ask for. unset and default_mode write no attribute; the
// latter is what is read where the attribute's value is unknown.
enum class same_site : std::uint8_t { unset, default_mode, lax_mode, strict_mode, none_mode };

// A cookie of a Set-Cookie field; of a Cookie field there are name, value and `quoted`. A value.
struct GOSSAMER_API cookie {
  std::string name{};
  std::string value{};
  // The value stands in quotes (which are no part of it).
  bool quoted = false;

  std::string path{};
  std::string domain{};
  std::optional<std::chrono::sys_seconds> expires{};
  // As it was read.
  std::string raw_expires{};
  // Seconds; 0: no attribute; below 0: the cookie ends now.
  std::int64_t max_age = 0;
  bool secure = false;
  bool http_only = false;
  http::same_site same_site = http::same_site::unset;
  bool partitioned = false;
  // What parse_set_cookie() has read, and the attributes that it did not know.
  std::string raw{};
  std::vector<std::string> unparsed{};

  // Any moment of the system's clock, as `expires`.
  template <class Duration>
  void expire_at(std::chrono::time_point<std::chrono::system_clock, Duration> when) {
    expires = std::chrono::floor<std::chrono::seconds>(when);
  }

  // The value of a Set-Cookie field, or of a Cookie field where nothing but name and value is set. Bytes that may not
  // stand in the value or the path are left out, and so is a bad domain; that is logged to standard error. A value with
  // blanks or commas in it is quoted. An `expires` before 1601 or after 9999 is left out. Empty where the name is no
  // token.
  std::string text() const;
  // Whether text() would write all of it, as it is. Errors: `http: invalid Cookie.Name`, `http: invalid byte ';' in
  // Cookie.Value` and their kin; `http: partitioned cookies must be set with Secure`.
  gossamer::error valid() const;

  friend bool operator==(const cookie&, const cookie&) = default;
};

// Adds a Set-Cookie field to the answer; none where the cookie's name is no token. Before the first write.
GOSSAMER_API void set_cookie(response_writer& w, const cookie& c);

// The value of a Cookie field. Any fault in it is an error, and nothing is returned then: `http: blank cookie`, `http:
// '=' not found in cookie`, `http: invalid cookie name`, `http: invalid cookie value`; for more than 3,000 `http:
// number of cookies exceeded limit`. request::cookies() leaves out what is faulty instead.
[[nodiscard]] GOSSAMER_API std::pair<std::vector<cookie>, gossamer::error> parse_cookie(std::string_view line);
// The value of a Set-Cookie field. The same errors, for its name and value; faulty attributes are `unparsed`.
[[nodiscard]] GOSSAMER_API std::pair<cookie, gossamer::error> parse_set_cookie(std::string_view line);

}  // namespace gossamer::inline v0::http
