// until_transport: what reverse_proxy needs, until the transport is there. To be removed with the merge.
#include "gossamer/http/transport.hpp"

namespace gossamer::inline v0::http {

round_trip_result round_tripper::round_trip(const request& r) const { return its_->round_trip(r); }

}  // namespace gossamer::inline v0::http
