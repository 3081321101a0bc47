// stack_mark: an address in the caller's stack, by which an inspector finds out whose stack it is. One instruction;
// asking who the caller is would cost a call.
#pragma once

#include "config.hpp"

namespace gossamer::inline v0::detail {

[[gnu::always_inline]] inline const void* stack_mark() noexcept {
#if GOSSAMER_ASAN
  return __builtin_frame_address(0);  // the sanitizer keeps variables elsewhere
#else
  char here;
  const void* at = &here;
  asm("" : "+r"(at));  // not to be seen as the address of something that has gone
  return at;
#endif
}

}  // namespace gossamer::inline v0::detail
