// field_faults: what a field's value may be, and what is wrong with its line. Texts: Go's textproto.
#pragma once

#include <string_view>

#include "gossamer/error.hpp"

namespace gossamer::inline v0::http {

// No control bytes but tabs.
bool is_field_value(std::string_view value) noexcept;

// `malformed MIME header line: "X"`, where `what` is ` line: `.
gossamer::error malformed_field(std::string_view what, std::string_view line);
// Of a line that was refused, without its end.
gossamer::error fault_of_field(std::string_view line);

}  // namespace gossamer::inline v0::http
