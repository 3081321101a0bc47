// context: switching stacks, by Boost.Context's fcontext.
//
// A switch is `jump(to, data, hook)`: it saves the caller, goes to `to`, and runs hook(transfer) on the target's stack
// before any of the target's own frames go on. The transfer holds the caller's saved context and `data`.
#pragma once

#include <boost/context/detail/fcontext.hpp>
#include <cstddef>

namespace gossamer::inline v0::machine {

using context = boost::context::detail::fcontext_t;
using transfer = boost::context::detail::transfer_t;
using hook = transfer (*)(transfer);
using entry = void (*)(transfer);

// A context whose first run calls e (after the hook of the jump that reaches it). e must not return.
inline context make_context(void* stack_top, std::size_t bytes, entry e) noexcept {
  return boost::context::detail::make_fcontext(stack_top, bytes, e);
}

// A context points to what jump() has saved on the stack that it left: each register's place, by its name, and how many
// bytes there are, above which the stack pointer will be. Boost.Context's, from 1.81 on; see its jump_x86_64_sysv_elf.
struct saved_register {
  const char* name;
  std::size_t offset;
};
#if defined(__x86_64__)
inline constexpr saved_register saved_registers[] = {{"r12", 0x10}, {"r13", 0x18}, {"r14", 0x20}, {"r15", 0x28},
                                                     {"rbx", 0x30}, {"rbp", 0x38}, {"rip", 0x40}};
inline constexpr std::size_t saved_bytes = 0x48;
#endif

// A function with this at its beginning saves what its caller has in registers right below its own frame's address
// (__builtin_frame_address(0)): so many bytes.
#define GOSSAMER_SAVE_REGISTERS() __builtin_unwind_init()
#if defined(__x86_64__)
inline constexpr std::size_t callers_register_bytes = 5 * sizeof(void*);  // rbx, r12 to r15
#endif

// First thing in an entry: tells unwinders that nobody has called it.
[[gnu::always_inline]] inline void mark_outermost_frame() noexcept {
#if defined(__x86_64__) && defined(__GCC_HAVE_DWARF2_CFI_ASM)
  asm volatile(".cfi_undefined rip");
#endif
}

inline void jump(context to, void* data, hook h) noexcept { boost::context::detail::ontop_fcontext(to, data, h); }

}  // namespace gossamer::inline v0::machine
