#include "gossamer/http/handler.hpp"

#include "gossamer/detail/runtime_error.hpp"

namespace gossamer::inline v0::http {

void handler::serve_http(response_writer& w, request& r) const {
  if (!its_) {
    detail::call_of_nil();
  }
  its_->serve_http(w, r);
}

}  // namespace gossamer::inline v0::http
