// mappings: what /proc/self/maps says, for one who may not call malloc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "debug/room.hpp"

namespace gossamer::inline v0::debug {

using address = std::uintptr_t;

struct mapping {
  address begin;
  address end;
  bool readable;
  bool writable;
  bool is_private;
  bool of_file;  // or of shared memory
  std::string_view name;

  bool has(address a) const noexcept { return begin <= a && a < end; }
};

// In the order of their addresses; none where they cannot be read.
std::span<const mapping> mappings_of_this_process(room& room) noexcept;

// The one that holds the address; null: none.
const mapping* mapping_of(std::span<const mapping> all, address a) noexcept;

}  // namespace gossamer::inline v0::debug
