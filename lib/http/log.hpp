// log: what is said where no server is at hand whose error_log would be asked.
#pragma once

#include <string_view>

namespace gossamer::inline v0::http {

// Writes date, time, `line` and a newline to standard error, in one piece. `line` holds nothing that was not escaped.
void log_line(std::string_view line);

}  // namespace gossamer::inline v0::http
