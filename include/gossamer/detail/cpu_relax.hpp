// cpu_relax: tells the core that this is a spin loop. The public headers' only touch of the architecture.
#pragma once

namespace gossamer::inline v0::detail {

inline void cpu_relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace gossamer::inline v0::detail
