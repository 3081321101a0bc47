// advise: see advise.hpp.
#include "machine/advise.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>

namespace gossamer::inline v0::machine {

namespace {

// relaxed, throughout: a hint. A thread that sees an old value tries what does not work, and learns it.
std::atomic<bool> vectors{true};

}  // namespace

std::size_t advise_each(std::span<std::byte* const> ranges, std::size_t bytes, int advice) noexcept {
  std::array<iovec, 64> vector;
  const std::size_t n = std::min(ranges.size(), vector.size());
  for (std::size_t i = 0; i < n; ++i) {
    vector[i] = {ranges[i], bytes};
  }
  constexpr int self = -10000;  // PIDFD_SELF_THREAD, Linux 6.15: no descriptor is needed
  if (n > 1 && vectors.load(std::memory_order_relaxed)) {
    const long done = ::syscall(SYS_process_madvise, self, vector.data(), n, advice, 0);
    if (done > 0) {
      return static_cast<std::size_t>(done) / bytes;
    }
    // Refused for now, for this advice, or for good: the plain call tells the last two apart.
    const bool for_now = errno == ENOMEM || errno == EAGAIN || errno == EINTR;
    if (::madvise(ranges[0], bytes, advice) != 0) {
      return 0;
    }
    if (!for_now) {
      vectors.store(false, std::memory_order_relaxed);
    }
    return 1;
  }
  return ::madvise(ranges[0], bytes, advice) == 0 ? 1 : 0;
}

bool advises_many_at_once() noexcept { return vectors.load(std::memory_order_relaxed); }

}  // namespace gossamer::inline v0::machine
