// pprof_metrics: debug::metrics in Prometheus' text format.
#pragma once

#include <string>

#include "gossamer/debug/metrics.hpp"
#include "gossamer/http/request.hpp"
#include "gossamer/http/response_writer.hpp"

namespace gossamer::inline v0::http::pprof {

// Version 0.0.4. by_worker: counts with the label `worker` instead of their sums.
std::string metrics_text(const debug::metrics& m, bool by_worker);

void serve_metrics(response_writer& w, const request& r);

}  // namespace gossamer::inline v0::http::pprof
