// new_request: see gossamer/http/client.hpp. In place, for those who keep the request where it is.
#pragma once

#include <string_view>

#include "gossamer/http/client.hpp"
#include "gossamer/http/request.hpp"

namespace gossamer::inline v0::http {

// Into a new one. An empty method is GET.
gossamer::error fill_request(request& r, std::string_view method, std::string_view url);
void set_body(request& r, const outgoing_body& body);

}  // namespace gossamer::inline v0::http
