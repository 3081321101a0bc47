// traced: calls a function of a client_trace, if there is one.
#pragma once

#include <utility>

#include "gossamer/http/client_trace.hpp"

namespace gossamer::inline v0::http {

template <class F, class... Args>
void tell(const client_trace* trace, F client_trace::* what, Args&&... args) {
  if (trace != nullptr && trace->*what) {
    (trace->*what)(std::forward<Args>(args)...);
  }
}

}  // namespace gossamer::inline v0::http
