// unwind_row: what a module's unwind information (.eh_frame) says of one place in its code: the row of the table that
// its instructions describe. As far as walking the stacks of fibers asks for it.
// Source: the DWARF 4 standard, 6.4; the Linux Standard Base, "Exception Frames".
#pragma once

#include <cstdint>

#include "gossamer/detail/config.hpp"

namespace gossamer::inline v0::machine {

// Where nothing is known, or not all of it understood, `returns` is false.
struct unwind_row {
  // Numbers of registers (x86-64).
  static constexpr std::uint64_t frame_pointer = 6;
  static constexpr std::uint64_t stack_pointer = 7;

  // What the caller's frame pointer is: still in its register, or at the frame's address + frame_pointer_at.
  enum class kept : std::uint8_t { in_place, in_frame, unknown };

  const void* function = nullptr;  // where it begins
  std::uint64_t base = 0;          // a register: with `offset` the frame's address, the caller's stack pointer
  std::int64_t offset = 0;
  std::int64_t frame_pointer_at = 0;
  kept frame_pointer_is = kept::in_place;
  bool returns = false;  // the way back is right below the frame's address
};

// Reads no stack.
unwind_row unwind_row_at(std::uintptr_t place) noexcept;

}  // namespace gossamer::inline v0::machine
