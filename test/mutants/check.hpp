// check: what the programs that kill mutants share. Such a program returns 0 where the library does what it should, and
// ends otherwise: by expect(), by an assertion, by a signal, or because it hangs until the runner ends it.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <gossamer/gossamer.hpp>

#include "base/rng.hpp"

namespace check {

inline void expect(bool true_that, const char* sentence) {
  if (!true_that) {
    std::fprintf(stderr, "not so: %s\n", sentence);
    ::_exit(1);
  }
}

using clock = std::chrono::steady_clock;

// Computes, without a look at the scheduler.
inline void burn(std::chrono::nanoseconds d) {
  for (const auto end = clock::now() + d; clock::now() < end;) {
  }
}

inline std::chrono::microseconds up_to(gossamer::base::rng& r, std::uint32_t us) {
  return std::chrono::microseconds(r.below(us));
}

}  // namespace check
