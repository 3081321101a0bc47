// http/client: requests, with redirects, cookies and a time-out.
// Source: Go's http.Client.
//
//   auto [resp, err] = http::get("http://example.com/");
//   if (err) …
//   defer d1{[&] { resp.body.close(); }};
//   auto [body, err2] = io::read_all(resp.body);
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "../context.hpp"
#include "../detail/config.hpp"
#include "../error.hpp"
#include "../errors.hpp"
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
// returns it, in a url_error, with the last answer, its body closed.
using check_redirect_function =
    std::function<gossamer::error(const request& next, std::span<const request* const> via)>;

// A value: copies share the transport and the jar. All calls by any number of fibers at the same time.
class GOSSAMER_API client {
 public:
  // nil: default_transport().
  round_tripper transport;
  // nil: up to 10, then `stopped after 10 redirects`.
  check_redirect_function check_redirect;
  // nil: no cookies are kept.
  cookie_jar jar;
  // Of the whole call, redirects and the reading of the body included; 0: no limit.
  time::duration timeout{0};

  // Sends it, follows redirects, and returns the answer of whatever status: what is not 2xx is no error. Errors are
  // url_errors: `Get "URL": …`. The request's body is closed, also where there is an error.
  round_trip_result do_(const request& r) const;
  round_trip_result get(std::string_view url) const;
  round_trip_result head(std::string_view url) const;
  round_trip_result post(std::string_view url, std::string_view content_type, io::reader body) const;
  round_trip_result post(std::string_view url, std::string_view content_type, std::string_view body) const;
  round_trip_result post_form(std::string_view url, const values& data) const;
  void close_idle_connections() const;
};

// Lives until the process ends.
[[nodiscard]] GOSSAMER_API client& default_client();

// By default_client().
GOSSAMER_API round_trip_result get(std::string_view url);
GOSSAMER_API round_trip_result head(std::string_view url);
GOSSAMER_API round_trip_result post(std::string_view url, std::string_view content_type, io::reader body);
GOSSAMER_API round_trip_result post(std::string_view url, std::string_view content_type, std::string_view body);
GOSSAMER_API round_trip_result post_form(std::string_view url, const values& data);

// A request for a client: host is the URL's. An empty method is GET. Of a text the body is copied, its length known,
// and it can be sent again (get_body); so can a bytes_reader's and string_reader's. Errors: `net/http: invalid method
// "G T"`, parse_url()'s. Panics with `net/http: nil Context`.
[[nodiscard]] GOSSAMER_API std::pair<request, gossamer::error> new_request(std::string_view method,
                                                                           std::string_view url, io::reader body = {});
[[nodiscard]] GOSSAMER_API std::pair<request, gossamer::error> new_request(std::string_view method,
                                                                           std::string_view url, std::string_view body);
[[nodiscard]] GOSSAMER_API std::pair<request, gossamer::error> new_request_with_context(context::context ctx,
                                                                                        std::string_view method,
                                                                                        std::string_view url,
                                                                                        io::reader body = {});
[[nodiscard]] GOSSAMER_API std::pair<request, gossamer::error> new_request_with_context(context::context ctx,
                                                                                        std::string_view method,
                                                                                        std::string_view url,
                                                                                        std::string_view body);

}  // namespace gossamer::inline v0::http
