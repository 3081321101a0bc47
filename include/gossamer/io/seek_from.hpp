// io/seek_from: what an offset is counted from.
// Source: Go's io.SeekStart and its kin.
#pragma once

#include <cstdint>

#include "../detail/config.hpp"

namespace gossamer::inline v0::io {

enum class seek_from : std::uint8_t { start, current, end };

}  // namespace gossamer::inline v0::io
