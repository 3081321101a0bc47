// pprof_page: the page /debug/fibers.
#pragma once

#include <string_view>

#include "gossamer/http/request.hpp"
#include "gossamer/http/response_writer.hpp"

namespace gossamer::inline v0::http::pprof {

void serve_fibers_page(response_writer& w, const request& r);

// Its parts, as they stand between <style> and <script>.
extern const std::string_view page_style;
extern const std::string_view page_script;

}  // namespace gossamer::inline v0::http::pprof
