// body_length: how long the body of a request is that is to be sent.
#pragma once

#include <cstdint>

#include "gossamer/http/request.hpp"

namespace gossamer::inline v0::http {

// Whether there is one: it may still be found to be empty.
inline bool has_body_to_send(const request& r) { return r.body && !(r.body == no_body()); }

// -1: not known. Source: Go's outgoingLength.
inline std::int64_t body_length(const request& r) {
  if (!has_body_to_send(r)) {
    return 0;
  }
  return r.content_length != 0 ? r.content_length : -1;
}

}  // namespace gossamer::inline v0::http
