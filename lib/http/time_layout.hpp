// time_layout: a moment is read as a layout says, in which the moment Mon Jan 2 15:04:05 2006 stands for what is asked.
// Source: Go's time.Parse. Differs: only the elements that HTTP has: Mon Monday Jan 2006 06 02 _2 15 04 05 MST; zones
// count for nothing.
#pragma once

#include <chrono>
#include <string_view>
#include <utility>

#include "gossamer/error.hpp"

namespace gossamer::inline v0::http {

// Error: Go's text.
std::pair<std::chrono::sys_seconds, gossamer::error> parse_layout(std::string_view layout, std::string_view text);

}  // namespace gossamer::inline v0::http
