// futex: see futex.hpp.
#include "base/futex.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace gossamer::inline v0::base {

static_assert(sizeof(futex_word) == sizeof(std::uint32_t) && futex_word::is_always_lock_free);

void futex_wait(const futex_word& word, std::uint32_t seen, detail::deadline until) noexcept {
  timespec at{};
  timespec* limit = nullptr;
  if (until != detail::no_deadline) {
    const detail::deadline t = until < 0 ? 0 : until;
    at.tv_sec = t / 1'000'000'000;
    at.tv_nsec = t % 1'000'000'000;
    limit = &at;
  }
  // WAIT_BITSET: an absolute time of CLOCK_MONOTONIC, the clock of steady_clock.
  ::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, seen, limit, nullptr, FUTEX_BITSET_MATCH_ANY);
}

void futex_wake(const futex_word& word, int threads) noexcept {
  ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, threads, nullptr, nullptr, 0);
}

}  // namespace gossamer::inline v0::base
