// layout: the exported, versioned description of the runtime's tables: by it a debugger, or a reader of core files,
// finds the fibers and the frames of those that are parked, in release builds and without debug information.
//
// It is found through the symbol `gossamer_layout` or, in stripped executables, through the ELF note (note.S) of type
// 2, whose content is the distance from there to it. Its reader is tools/gossamer_tables.py.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gossamer/detail/config.hpp"

namespace gossamer::inline v0::debug {

// One fact, by name:
//   fiber.id, worker.current, …   a field: its offset and its size in bytes
//   fiber, chan, …                a whole structure, or what is repeated: 0, and its size
//   state=parked, reason=select   a value that such a field may have
//   frame.rip, …                  where a parked context, which fiber.context points to, has a register
// A reader passes over names that it does not know, and does without those that are missing: so entries may come and
// go, and the version changes only where the meaning of one does.
struct layout_entry {
  char name[40];
  std::uint64_t value;
  std::uint64_t size;
};

inline constexpr std::uint32_t layout_version = 1;
inline constexpr std::size_t most_layout_entries = 128;

struct layout {
  char magic[16];  // "gossamer layout"
  std::uint32_t version;
  std::uint32_t header_bytes;  // the entries lie behind them
  std::uint32_t entry_count;
  std::uint32_t entry_bytes;
  // Where the tables begin.
  const void* records;
  const void* runtime;
  std::array<layout_entry, most_layout_entries> entries;
};

// What may name the private fields.
struct layout_access;

}  // namespace gossamer::inline v0::debug

extern "C" {
GOSSAMER_API extern const gossamer::debug::layout gossamer_layout;
}
