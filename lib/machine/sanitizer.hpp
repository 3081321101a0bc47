// sanitizer: what the sanitizers and Valgrind must be told of stacks and switches. Empty in other builds.
#pragma once

#include <cstddef>

#include "gossamer/detail/config.hpp"
#include "gossamer/detail/spin_lock.hpp"

#if GOSSAMER_ASAN
#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif
#if GOSSAMER_TSAN
extern "C" {
void* __tsan_get_current_fiber();
void* __tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void* fiber);
void __tsan_switch_to_fiber(void* fiber, unsigned flags);
}
#endif
#if defined(GOSSAMER_VALGRIND) && GOSSAMER_VALGRIND
#include <valgrind/valgrind.h>
#endif

namespace gossamer::inline v0::machine {

// What a sanitizer keeps for one context (a fiber's, or a worker's own).
struct sanitizer_state {
#if GOSSAMER_ASAN
  void* fake_stack = nullptr;
  const void* bottom = nullptr;
  std::size_t bytes = 0;
#endif
#if GOSSAMER_TSAN
  void* fiber = nullptr;
#endif
};

// Before a jump from one context to another. `last`: the source never runs again.
inline void before_switch([[maybe_unused]] sanitizer_state* from, [[maybe_unused]] const sanitizer_state& to,
                          [[maybe_unused]] bool last) noexcept {
#if GOSSAMER_ASAN
  __sanitizer_start_switch_fiber(last ? nullptr : &from->fake_stack, to.bottom, to.bytes);
#endif
}

// First thing on the target's stack.
inline void on_arrival([[maybe_unused]] const sanitizer_state& to) noexcept {
#if GOSSAMER_ASAN
  __sanitizer_finish_switch_fiber(to.fake_stack, nullptr, nullptr);
#endif
}

// Then. No synchronisation: flag 1.
inline void assume_identity([[maybe_unused]] const sanitizer_state& to) noexcept {
#if GOSSAMER_TSAN
  __tsan_switch_to_fiber(to.fiber, 1);
#endif
}

// A fiber gets a stack for its life; starts on it and is done with it (as itself); and is gone (called by whoever runs
// next).
inline void begin_context([[maybe_unused]] sanitizer_state& s, [[maybe_unused]] void* bottom,
                          [[maybe_unused]] std::size_t bytes) noexcept {
#if GOSSAMER_ASAN
  s.fake_stack = nullptr;
  s.bottom = bottom;
  s.bytes = bytes;
#endif
#if GOSSAMER_TSAN
  s.fiber = __tsan_create_fiber(0);
#endif
}
inline void enter_stack([[maybe_unused]] void* bottom) noexcept { detail::sanitizer_acquire(bottom); }
inline void leave_stack([[maybe_unused]] void* bottom) noexcept { detail::sanitizer_release(bottom); }
inline void end_context([[maybe_unused]] sanitizer_state& s, [[maybe_unused]] void* bottom,
                        [[maybe_unused]] std::size_t bytes) noexcept {
#if GOSSAMER_ASAN
  // Only the entry's own frames are left: everything above them has returned.
  constexpr std::size_t frames = 8192;
  const std::size_t n = bytes < frames ? bytes : frames;
  __asan_unpoison_memory_region(static_cast<char*>(bottom) + bytes - n, n);
#endif
#if GOSSAMER_TSAN
  __tsan_destroy_fiber(s.fiber);
  s.fiber = nullptr;
#endif
}

// The calling thread's own context.
inline void adopt_thread([[maybe_unused]] sanitizer_state& s) noexcept {
#if GOSSAMER_ASAN
  pthread_attr_t attributes;
  void* bottom = nullptr;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    pthread_attr_getstack(&attributes, &bottom, &s.bytes);
    s.bottom = bottom;
    pthread_attr_destroy(&attributes);
  }
#endif
#if GOSSAMER_TSAN
  s.fiber = __tsan_get_current_fiber();
#endif
}

// Memory that the leak checker must look through for pointers.
inline void root_region([[maybe_unused]] const void* begin, [[maybe_unused]] std::size_t bytes) noexcept {
#if GOSSAMER_ASAN
  __lsan_register_root_region(begin, bytes);
#endif
}

// The stack of a context that will not run again, from its stack pointer to its top, for the same; and the frames that
// the address sanitizer keeps elsewhere.
#if GOSSAMER_ASAN
[[gnu::no_sanitize("address")]]
#endif
inline void root_stack([[maybe_unused]] const sanitizer_state& s, [[maybe_unused]] void* from,
                       [[maybe_unused]] void* top) noexcept {
#if GOSSAMER_ASAN
  auto* const begin = static_cast<void**>(from);
  auto* const end = static_cast<void**>(top);
  root_region(begin, static_cast<std::size_t>(end - begin) * sizeof *begin);
  for (void** word = begin; s.fake_stack != nullptr && word != end; ++word) {
    void* first = nullptr;
    void* last = nullptr;
    if (__asan_addr_is_in_fake_stack(s.fake_stack, *word, &first, &last) != nullptr) {
      root_region(first, static_cast<std::size_t>(static_cast<char*>(last) - static_cast<char*>(first)));
    }
  }
#endif
}

// A stack came into being, for Valgrind. It stays known until its memory is unmapped.
inline void announce_stack([[maybe_unused]] void* bottom, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(GOSSAMER_VALGRIND) && GOSSAMER_VALGRIND
  (void)VALGRIND_STACK_REGISTER(bottom, static_cast<char*>(bottom) + bytes);
#endif
}

}  // namespace gossamer::inline v0::machine
