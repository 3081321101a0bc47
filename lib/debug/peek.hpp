// peek: looks at what belongs to a fiber that runs, and that does not answer. What it reads may change or go meanwhile,
// so it is copied by the kernel, which fails where there is no memory, and counts only if it is there still afterwards.
#pragma once

#include <cstdint>
#include <source_location>
#include <string>

#include "fiber/fiber.hpp"

namespace gossamer::inline v0::debug {

struct peeked {
  std::string name;            // empty: it has none, or it could not be had
  std::source_location where;  // of its last blocking call; line 0: none, or it could not be had
};

// Of the fiber `id`. Throws std::bad_alloc.
peeked peek(const fiber& f, std::uint64_t id);

}  // namespace gossamer::inline v0::debug
