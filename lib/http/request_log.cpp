#include "http/request_log.hpp"

#include "gossamer/http/server.hpp"
#include "http/error_log.hpp"

namespace gossamer::inline v0::http {

void log_for(const request& r, std::string_view line) {
  server* const* const s = r.context().value<server*>(server_context_key);
  write_log(s != nullptr ? (*s)->error_log : log_function(), line);
}

}  // namespace gossamer::inline v0::http
