// environment: what a command's program finds in its environment. Source: Go's Cmd.environ.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gossamer/detail/config.hpp"

namespace gossamer::inline v0::os {

// `given`, or this process's, with PWD then following the directory, if there is one. Of entries with the same name the
// last one counts.
std::vector<std::string> environment_of(const std::optional<std::vector<std::string>>& given, const std::string& dir);

}  // namespace gossamer::inline v0::os
