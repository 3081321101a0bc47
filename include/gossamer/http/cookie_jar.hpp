// http/cookie_jar: what keeps cookies for a client.
// Source: Go's http.CookieJar and cookiejar.Jar; RFC 6265.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../detail/config.hpp"
#include "../detail/counted.hpp"
#include "../error.hpp"
#include "cookie.hpp"
#include "url.hpp"

namespace gossamer::inline v0::http {

// What a cookie_jar refers to. One's own derives from it. Called by any number of fibers at the same time.
class GOSSAMER_API cookie_jar_interface : public detail::counted {
 public:
  // What an answer from that URL has set.
  virtual void set_cookies(const http::url& u, std::span<const cookie> cookies) = 0;
  // What a request to that URL sends: names and values.
  virtual std::vector<cookie> cookies(const http::url& u) = 0;
};

// A handle: copies are the same jar.
class GOSSAMER_API cookie_jar {
 public:
  constexpr cookie_jar() noexcept = default;
  constexpr cookie_jar(std::nullptr_t) noexcept {}
  explicit cookie_jar(cookie_jar_interface* of) noexcept : its_(of) {}

  // On nil: nothing, and none.
  void set_cookies(const http::url& u, std::span<const cookie> cookies) const;
  std::vector<cookie> cookies(const http::url& u) const;

  explicit operator bool() const noexcept { return static_cast<bool>(its_); }
  friend bool operator==(const cookie_jar& j, std::nullptr_t) noexcept { return !j; }

 private:
  detail::reference<cookie_jar_interface> its_;
};

namespace cookiejar {

// Which domains are not one owner's, as `co.uk`: a cookie is not set for those. Given a domain in lower case it returns
// that suffix of it.
using public_suffix_function = std::function<std::string(std::string_view domain)>;

// What a jar goes by.
struct options {
  // nil: only the last label is public, which lets one site of `co.uk` set cookies for another.
  public_suffix_function public_suffix_list = nullptr;
};

// An empty one, in memory.
[[nodiscard]] GOSSAMER_API cookie_jar new_jar(options how = {});

}  // namespace cookiejar

}  // namespace gossamer::inline v0::http
