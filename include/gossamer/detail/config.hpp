// config: what every public header needs to know about the compiler and the build.
#pragma once

#if !defined(__cpp_exceptions)
#error "gossamer needs exceptions (a panic is a C++ exception): build without -fno-exceptions."
#endif
#if !defined(__cpp_rtti)
#error "gossamer needs run-time type information (panics are reported by type): build without -fno-rtti."
#endif

#define GOSSAMER_API [[gnu::visibility("default")]]

// GOSSAMER_TSAN may also come from the build: the scheduler is compiled without thread-sanitizer instrumentation, but
// must still announce its switches and its locks.
#if !defined(GOSSAMER_TSAN)
#if defined(__SANITIZE_THREAD__)
#define GOSSAMER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GOSSAMER_TSAN 1
#endif
#endif
#endif
#if !defined(GOSSAMER_TSAN)
#define GOSSAMER_TSAN 0
#endif

// A cold function of a header that the scheduler calls, too: it does not swell its callers. Under the thread sanitizer
// it is a part of them nevertheless, for the linker keeps one copy of a function that is not inlined, and the sanitizer
// would see what the scheduler does in an instrumented one, but not the edges on which that relies.
#if GOSSAMER_TSAN
#define GOSSAMER_OUT_OF_LINE [[gnu::always_inline]]
#else
#define GOSSAMER_OUT_OF_LINE [[gnu::noinline]]
#endif

#if defined(__SANITIZE_ADDRESS__)
#define GOSSAMER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GOSSAMER_ASAN 1
#endif
#endif
#if !defined(GOSSAMER_ASAN)
#define GOSSAMER_ASAN 0
#endif
