// pprof_access: who may see the debug pages.
#pragma once

#include <concepts>
#include <utility>

#include "gossamer/http/handler.hpp"
#include "gossamer/http/pprof.hpp"

namespace gossamer::inline v0::http::pprof {

// Whether the request may see them. If not, it has been answered.
[[nodiscard]] bool admits(const options& how, response_writer& w, const request& r);

// serve(w, r), for those who may.
template <std::invocable<response_writer&, request&> Serve>
handler guarded(options how, Serve serve) {
  return handler([how, serve = std::move(serve)](response_writer& w, request& r) {
    if (admits(how, w, r)) {
      serve(w, r);
    }
  });
}

}  // namespace gossamer::inline v0::http::pprof
