// pprof_fibers: dumps of fibers as answers.
#pragma once

#include <string_view>

#include "gossamer/debug.hpp"
#include "gossamer/http/request.hpp"
#include "gossamer/http/response_writer.hpp"

namespace gossamer::inline v0::http::pprof {

// In the form that ?debug= asks for, under that name.
void serve_stacks(std::string_view name, response_writer& w, const request& r, const debug::filter& which);
// The value of a key in the query; empty where there is none.
std::string query_value(const request& r, std::string_view key);

}  // namespace gossamer::inline v0::http::pprof
