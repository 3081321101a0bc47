// request_check: whether a request can be sent.
#pragma once

#include "gossamer/error.hpp"
#include "gossamer/http/request.hpp"

namespace gossamer::inline v0::http {

// nil, or why not, by the texts of Go's Transport: `net/http: invalid header field name "a b"`, `unsupported protocol
// scheme "ftp"`, `http: no Host in request URL`, ...
gossamer::error check_request(const request& r);

}  // namespace gossamer::inline v0::http
