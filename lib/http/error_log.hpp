// error_log: what a server has to say, a line at a time.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace gossamer::inline v0::http {

using log_function = std::function<void(std::string_view line)>;

// One line; to standard error, with date and time, where there is no function. What a client has sent may stand in it:
// control characters are written as `\x0a`, so that it cannot begin a line of its own. `stack` follows as it is.
void write_log(const log_function& to, std::string_view line, std::string_view stack = {});

}  // namespace gossamer::inline v0::http
