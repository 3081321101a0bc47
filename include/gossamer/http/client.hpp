// http/client: requests, with redirects, cookies and a time-out.
// Source: Go's http.Client.
//
//   auto [resp, err] = http::get("http://example.com/");
//   if (err) …
//   defer d1{[&] { resp.body.close(); }};
//   auto [body, err2] = io::read_all(resp.body);
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "../context.hpp"
#include "../detail/config.hpp"
#include "../error.hpp"
#include "../errors.hpp"
#include "../io/interfaces.hpp"
#include "../io/stream.hpp"
#include "../time.hpp"
#include "cookie_jar.hpp"
#include "request.hpp"
#include "response.hpp"
#include "round_tripper.hpp"
#include "values.hpp"

namespace gossamer::inline v0::http {

// `net/http: use last response`: from check_redirect it ends the redirects, and the answer is the one that had been
// got, with its body, and no error.
GOSSAMER_API extern const errors::sentinel use_last_response;

// Whether to follow: `next` is what would be sent, `via` what has been, the first one first. An error ends it: the call
// returns it, in a url_error, with the last answer, its body closed. It may change what would be sent.
using check_redirect_function = std::function<gossamer::error(request& next, std::span<const request* const> via)>;

// What is given for a request's body: nil; a text, which is copied; or whatever can be read. If that can be closed,
// too, it is, when it has been sent or cannot be. Of a text, and of what points to an io::string_reader or an
// io::buffer, the length is known, and the body can be sent again: request::get_body. Not to be kept: it is for the one
// call.
class outgoing_body {
 public:
  outgoing_body() = default;
  outgoing_body(std::nullptr_t) noexcept {}
  template <std::convertible_to<std::string_view> T>
    requires(!std::same_as<T, std::nullptr_t>)
  outgoing_body(const T& text) : text_(text), is_text_(true) {}
  template <class T>
    requires(!std::convertible_to<const T&, std::string_view> && !std::derived_from<T, outgoing_body> &&
             std::convertible_to<T, io::reader>)
  outgoing_body(T from) : source_(closing(std::move(from))) {}

  bool is_text() const noexcept { return is_text_; }
  std::string_view text() const noexcept { return text_; }
  const io::read_closer& source() const noexcept { return source_; }

 private:
  template <class T>
  static io::read_closer closing(T from) {
    if constexpr (std::convertible_to<T, io::read_closer>) {
      return from;
    } else {
      io::reader r(std::move(from));
      return r ? io::nop_closer(std::move(r)) : io::read_closer();
    }
  }

  // Good until the end of the call that it is given to.
  std::string_view text_;
  bool is_text_ = false;
  io::read_closer source_;
};

// A value: copies share the transport and the jar. All calls by any number of fibers at the same time.
class GOSSAMER_API client {
 public:
  // nil: default_transport().
  round_tripper transport{};
  // nil: up to 10, then `stopped after 10 redirects`.
  check_redirect_function check_redirect{};
  // nil: no cookies are kept.
  cookie_jar jar{};
  // Of the whole call, redirects and the reading of the body included; 0: no limit.
  time::duration timeout{0};

  // Sends it, follows redirects, and returns the answer of whatever status: what is not 2xx is no error. Errors are
  // url_errors: `Get "URL": …`. The request's body is closed, also where there is an error.
  round_trip_result do_(const request& r) const;
  // Errors: do_()'s and new_request()'s.
  round_trip_result get(std::string_view url) const;
  round_trip_result head(std::string_view url) const;
  round_trip_result post(std::string_view url, std::string_view content_type, const outgoing_body& body) const;
  round_trip_result post_form(std::string_view url, const values& data) const;
  // The transport's, if it keeps any.
  void close_idle_connections() const;
};

// Lives until the process ends.
[[nodiscard]] GOSSAMER_API client& default_client();

// By default_client().
GOSSAMER_API round_trip_result get(std::string_view url);
GOSSAMER_API round_trip_result head(std::string_view url);
GOSSAMER_API round_trip_result post(std::string_view url, std::string_view content_type, const outgoing_body& body);
GOSSAMER_API round_trip_result post_form(std::string_view url, const values& data);

// A request for a client: host is the URL's. An empty method is GET. Errors: `net/http: invalid method "G T"`,
// `net/http: nil Context`, parse_url()'s.
[[nodiscard]] GOSSAMER_API std::pair<request, gossamer::error> new_request(std::string_view method,
                                                                           std::string_view url,
                                                                           const outgoing_body& body = {});
[[nodiscard]] GOSSAMER_API std::pair<request, gossamer::error> new_request_with_context(const context::context& ctx,
                                                                                        std::string_view method,
                                                                                        std::string_view url,
                                                                                        const outgoing_body& body = {});

}  // namespace gossamer::inline v0::http
