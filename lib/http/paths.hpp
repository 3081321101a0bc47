// paths: paths with slashes, without regard to what they name.
#pragma once

#include <string>
#include <string_view>

namespace gossamer::inline v0::http {

// The shortest path that is the same: without `.`, `//` and `x/..`, and without a slash at the end but for the root;
// `.` of nothing. A rooted one has no `..`. Source: Go's path.Clean.
[[nodiscard]] std::string clean_path(std::string_view path);
// The same as an absolute one, and with the slash at its end, if it has one.
[[nodiscard]] std::string clean_absolute_path(std::string_view path);

}  // namespace gossamer::inline v0::http
