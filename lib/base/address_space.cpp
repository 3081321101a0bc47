// address_space: see address_space.hpp.
#include "base/address_space.hpp"

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>

namespace gossamer::inline v0::base {

namespace {

constexpr rlim_t plenty = rlim_t{4} << 30;

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

void spare_arenas([[maybe_unused]] std::size_t threads) noexcept {
#if defined(M_ARENA_MAX)
  constexpr std::size_t arena_bytes = std::size_t{64} << 20;
  const std::size_t limit = low_address_limit();
  if (limit != 0 && threads * arena_bytes > limit / 4 && std::getenv("MALLOC_ARENA_MAX") == nullptr) {
    ::mallopt(M_ARENA_MAX, static_cast<int>(std::max(limit / 4 / arena_bytes, std::size_t{1})));
  }
#endif
}

}  // namespace gossamer::inline v0::base
