// head_parts: what a head gets beside the handler's own fields.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/server_response.hpp"

namespace gossamer::inline v0::http {

struct server_response::head_parts {
  std::int64_t length = -1;  // none
  std::string_view content_type;
  std::string_view connection;
  bool chunked = false;
  bool drops_connection = false;  // the handler's own Connection
  bool drops_length = false;      // and its Content-Length, beside a transfer coding of its own
};

}  // namespace gossamer::inline v0::http
