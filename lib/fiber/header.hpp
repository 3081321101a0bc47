// header: the first line of what a dump or a report says of a fiber.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fiber/fiber.hpp"

namespace gossamer::inline v0::frames {

// As Go's %q.
std::string in_quotes(std::string_view text);

// `fiber N "NAME" [STATUS] {a: b, k: "v w"}:` and the end of the line, without what there is none of. Keys are as they
// come, which is sorted; quotes stand where there is more than letters, digits and ./_
// Source: Go runtime/traceback.go, goroutineheader().
std::string header(std::uint64_t id, std::string_view name, std::string_view status,
                   const std::vector<std::pair<std::string, std::string>>& labels);
// Of one that runs on this thread, or stands still.
std::string header(const fiber& f, std::string_view status);

}  // namespace gossamer::inline v0::frames
