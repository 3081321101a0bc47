// census: who is alive, by their stacks and by what they wait on, without holding anybody.
#pragma once

#include <cstdint>
#include <vector>

#include "fiber/fiber.hpp"

namespace gossamer::inline v0::debug {

// 0: the record is nobody's, or that of a fiber that never runs again.
std::uint64_t id_of(const fiber& f) noexcept;

// Whose stack an address lies in, and how many fibers wait at an object: of all fibers, about when it was made. It is
// read without holding anybody, so it is a hint.
class census {
 public:
  census();
  // 0: no fiber's.
  std::uint64_t owner_of(const void* address) const noexcept;
  int waiters_of(const void* object) const noexcept;

 private:
  struct range {
    std::uintptr_t begin;
    std::uintptr_t end;
    std::uint64_t id;
  };
  std::vector<range> stacks_;
  std::vector<const void*> objects_;
};

}  // namespace gossamer::inline v0::debug
