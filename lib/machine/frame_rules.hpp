// frame_rules: how to get from a frame to its caller, by the place where it goes on (unwind_row.hpp), worked out once
// for each place. Fibers are parked at few places, so a walk of thousands of stacks asks for the same again and again;
// the unwinder of the C++ runtime finds and interprets it anew for each frame.
//
// Only what compilers make of nearly all functions: a frame that is found from the stack pointer or the frame pointer,
// and a frame pointer that was kept in it. For the rest there is the unwinder. x86-64; elsewhere it knows nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "machine/address_list.hpp"
#include "machine/context.hpp"
#include "machine/throw_site.hpp"

namespace gossamer::inline v0::machine {

// Where the caller's stack pointer and frame pointer are.
struct frame_rule {
  enum class base : std::uint8_t { unknown, stack_pointer, frame_pointer };
  base from = base::unknown;
  bool keeps_frame_pointer = false;  // at the caller's stack pointer + kept_at
  std::int32_t size = 0;             // what added to `from` is the caller's stack pointer; below it is the way back
  std::int32_t kept_at = 0;
  const void* function = nullptr;  // where it begins
};

// What has been asked for. For one thread; for as long as no module goes that a fiber has frames of.
class frame_rules {
 public:
  frame_rules() noexcept = default;
  frame_rules(const frame_rules&) = delete;
  frame_rules& operator=(const frame_rules&) = delete;

  // As trace_context(), to which it is left where this returns false: then the trace is empty. The context must be laid
  // out as context.hpp says.
  bool trace(context parked, const void* low, const void* high, stack_trace& trace) noexcept;

  // The same of the callers of a function that runs, by its __builtin_frame_address(0); it must keep one.
  bool trace_callers(const void* frame, const void* high, stack_trace& trace) noexcept;
  bool trace_callers(const void* frame, const void* high, address_list& list) noexcept;

 private:
  struct entry {
    const void* return_address = nullptr;
    frame_rule rule;
  };
  static constexpr std::size_t entries = 512;  // a power of two; one that falls on another's place takes it

  // Where a frame goes on, and with which registers.
  struct position {
    std::uintptr_t goes_on;
    std::uintptr_t stack;
    std::uintptr_t frame_pointer;
  };

  static position caller_of(const void* frame) noexcept;
  const frame_rule& at(const void* return_address) noexcept;
  template <class Trace>
  bool trace_from(position p, const void* high, Trace& to) noexcept;

  std::array<entry, entries> known_{};
};

}  // namespace gossamer::inline v0::machine
