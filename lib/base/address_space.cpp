// address_space: see address_space.hpp.
#include "base/address_space.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace gossamer::inline v0::base {

namespace {

constexpr rlim_t plenty = rlim_t{4} << 30;

// What an arena of glibc's reserves on a 64-bit machine.
constexpr std::size_t arena_bytes = std::size_t{64} << 20;
constexpr std::size_t arenas_within(std::size_t limit) noexcept {
  return std::max(limit / 16 / arena_bytes, std::size_t{1});
}

rlim_t limit_of(decltype(RLIMIT_AS) resource) noexcept {
  rlimit l{};
  return ::getrlimit(resource, &l) == 0 ? l.rlim_cur : RLIM_INFINITY;
}

}  // namespace

std::size_t low_address_limit() noexcept {
  const rlim_t limit = std::min(limit_of(RLIMIT_AS), limit_of(RLIMIT_DATA));
  return limit < plenty ? static_cast<std::size_t>(limit) : 0;
}

std::size_t share_of_address_space(std::size_t usual, std::size_t shares, std::size_t least) noexcept {
  const std::size_t limit = low_address_limit();
  return limit == 0 ? usual : std::max(std::min(usual, limit / shares), least);
}

std::optional<std::size_t> address_space_left() noexcept {
  if (low_address_limit() == 0) {
    return std::nullopt;
  }
  const int fd = ::open("/proc/thread-self/statm", O_RDONLY | O_CLOEXEC);
  char text[128] = {};
  const ssize_t n = fd >= 0 ? ::read(fd, text, sizeof text - 1) : -1;
  if (fd >= 0) {
    ::close(fd);
  }
  unsigned long size = 0;
  unsigned long data = 0;  // with the first thread's stack
  if (n <= 0 || std::sscanf(text, "%lu %*u %*u %*u %*u %lu", &size, &data) != 2 || size == 0) {
    return std::nullopt;
  }
  const auto left = [page = static_cast<rlim_t>(::sysconf(_SC_PAGESIZE))](rlim_t limit, unsigned long pages) {
    return limit - std::min(limit, pages * page);
  };
  return static_cast<std::size_t>(std::min(left(limit_of(RLIMIT_AS), size), left(limit_of(RLIMIT_DATA), data)));
}

std::size_t spare_address_space() noexcept {
  const std::size_t limit = low_address_limit();
  const std::size_t others = share_of_address_space(std::size_t{64} << 20, 16, std::size_t{256} << 10);
  // The first arena grows like any other memory. Each further one is cut out of twice its size.
  const std::size_t arenas = arenas_within(limit);
  return arenas > 1 ? others + arenas * arena_bytes : others;
}

void spare_arenas() noexcept {
#if defined(M_ARENA_MAX)
  const std::size_t limit = low_address_limit();
  if (limit != 0 && std::getenv("MALLOC_ARENA_MAX") == nullptr) {
    ::mallopt(M_ARENA_MAX, static_cast<int>(arenas_within(limit)));
  }
#endif
}

}  // namespace gossamer::inline v0::base
