#include "gossamer/http/round_tripper.hpp"

#include "gossamer/detail/runtime_error.hpp"

namespace gossamer::inline v0::http {

round_trip_result round_tripper::round_trip(const request& r) const {
  if (!its_) {
    detail::call_of_nil();
  }
  return its_->round_trip(r);
}

void round_tripper::close_idle_connections() const {
  if (its_) {
    its_->close_idle_connections();
  }
}

}  // namespace gossamer::inline v0::http
