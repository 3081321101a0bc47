// redirect: what a client makes of an answer that points elsewhere.
// Source: Go's net/http, client.go.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "gossamer/error.hpp"
#include "gossamer/http/cookie.hpp"
#include "gossamer/http/header.hpp"
#include "gossamer/http/request.hpp"
#include "gossamer/http/response.hpp"
#include "gossamer/http/url.hpp"

namespace gossamer::inline v0::http {

struct redirection {
  bool follows = false;
  bool keeps_body = false;
  std::string method;
};

// Of an answer with that status to a request by `method`. Where the body would have to be sent once more, and cannot
// be, the redirect is not followed.
redirection redirection_of(int status, std::string_view method, bool can_send_again);

// What a client checks whose user has not said: an error where so many requests were sent that the next is none.
gossamer::error check_redirects(std::size_t sent);

// Whether what the first request's Authorization and Cookie say may be told to that one's host: the same, or below it.
bool may_know_secrets(const url& first, const url& next);

// The Referer of the next request; `own` is what the caller has set. Empty: none.
std::string referer_of(const url& last, const url& next, std::string_view own);

// The fields of the first request, as those that follow it have them.
class carried_fields {
 public:
  // `with_jar`: what an answer sets takes the place of the request's own cookie of that name.
  carried_fields(const request& first, bool with_jar);

  // Before copy_to(), for the answer that leads to the request.
  void forget_cookies_of(const response& answer);
  void copy_to(http::header& next, bool with_secrets, bool with_body) const;

 private:
  http::header fields_;
  // Without a jar none: they are carried as they are.
  std::vector<cookie> cookies_;
};

}  // namespace gossamer::inline v0::http
