// float_control: how the processor calculates: rounding, flushing to zero, which exceptions are masked, and the x87's
// precision. Each switch keeps it for who leaves (Boost.Context does); here is what a fiber begins with.
#pragma once

#include <cstdint>

#include "machine/context.hpp"

namespace gossamer::inline v0::machine {

// In one word, without the sticky flags of exceptions that have occurred. 0 where the processor is not known.
using float_control = std::uint32_t;

#if defined(__x86_64__)

inline constexpr std::uint32_t mxcsr_flags = 0x3f;

inline float_control current_float_control() noexcept {
  std::uint32_t mxcsr = 0;
  std::uint16_t x87 = 0;
  asm volatile("stmxcsr %0" : "=m"(mxcsr));
  asm volatile("fnstcw %0" : "=m"(x87));
  return (mxcsr & 0xffff & ~mxcsr_flags) | static_cast<std::uint32_t>(x87) << 16;
}

// Whether it is that, and no flag is set.
inline bool is_float_control(float_control c) noexcept {
  std::uint32_t mxcsr = 0;
  std::uint16_t x87 = 0;
  asm volatile("stmxcsr %0" : "=m"(mxcsr));
  asm volatile("fnstcw %0" : "=m"(x87));
  return mxcsr == (c & 0xffff) && x87 == c >> 16;
}

inline void set_float_control(float_control c) noexcept {
  const std::uint32_t mxcsr = c & 0xffff;
  const auto x87 = static_cast<std::uint16_t>(c >> 16);
  asm volatile("ldmxcsr %0" : : "m"(mxcsr));
  asm volatile("fldcw %0" : : "m"(x87));
}

// Of a context that make_context() has just made: it lies where the context points, as jump() would have saved it.
// (Never a call of memcpy, which the thread sanitizer intercepts.)
inline void set_float_control(context made, float_control c) noexcept {
  const std::uint32_t mxcsr = c & 0xffff;
  const std::uint32_t x87 = c >> 16;
  __builtin_memcpy(made, &mxcsr, sizeof mxcsr);
  __builtin_memcpy(static_cast<char*>(made) + sizeof mxcsr, &x87, sizeof x87);
}

#else

inline float_control current_float_control() noexcept { return 0; }
inline bool is_float_control(float_control) noexcept { return true; }
inline void set_float_control(float_control) noexcept {}
inline void set_float_control(context, float_control) noexcept {}

#endif

}  // namespace gossamer::inline v0::machine
