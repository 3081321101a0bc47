// attempts: reads that must get on.
#pragma once

#include <cassert>
#include <cstddef>
#include <span>

#include "gossamer/io.hpp"

namespace gossamer::inline v0::io {

// Source: Go's maxConsecutiveEmptyReads.
inline constexpr int most_empty_reads = 100;

// One read into `to`, which is not empty, that returns something: bytes, an error, or at last no_progress.
inline result read_something(const reader& from, std::span<std::byte> to) {
  assert(!to.empty());
  for (int i = 0; i < most_empty_reads; ++i) {
    auto r = from.read(to);
    if (r.first > 0 || r.second) {
      return r;
    }
  }
  return {0, no_progress};
}

}  // namespace gossamer::inline v0::io
