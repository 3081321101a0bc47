// nil: the null of every nullable handle (channels now; errors and contexts later).
#pragma once

#include <cstddef>

namespace gossamer::inline v0 {

inline constexpr std::nullptr_t nil = nullptr;

}  // namespace gossamer::inline v0
