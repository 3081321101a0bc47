// body_length: how long the body of a request is that is to be sent.
#pragma once

#include <cstdint>

#include "gossamer/http/request.hpp"

namespace gossamer::inline v0::http {

// -1: not known. Source: Go's outgoingLength.
inline std::int64_t body_length(const request& r) {
  if (!r.body || r.body == http::no_body()) {
    return 0;
  }
  return r.content_length != 0 ? r.content_length : -1;
}

}  // namespace gossamer::inline v0::http
