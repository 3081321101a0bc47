// libc_version: which glibc the process runs with.
#pragma once

#if defined(__GLIBC__)
#include <gnu/libc-version.h>

#include <cstdlib>
#endif

namespace gossamer::inline v0::base {

// False where it is another C library.
inline bool glibc_is_at_least([[maybe_unused]] long major, [[maybe_unused]] long minor) noexcept {
#if defined(__GLIBC__)
  char* rest = nullptr;
  const long its_major = std::strtol(::gnu_get_libc_version(), &rest, 10);
  const long its_minor = *rest == '.' ? std::strtol(rest + 1, nullptr, 10) : 0;
  return its_major > major || (its_major == major && its_minor >= minor);
#else
  return false;
#endif
}

}  // namespace gossamer::inline v0::base
