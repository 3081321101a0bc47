// request_log: what there is to say about a request, a line at a time.
#pragma once

#include <string_view>

#include "gossamer/http/request.hpp"

namespace gossamer::inline v0::http {

// To the error_log of the server that the request came to; without one, to standard error. See write_log().
void log_for(const request& r, std::string_view line);

}  // namespace gossamer::inline v0::http
