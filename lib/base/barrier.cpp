// barrier: see gossamer/detail/own_place.hpp.
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "gossamer/detail/own_place.hpp"

namespace gossamer::inline v0::detail {

constinit std::atomic<bool> light_is_enough{false};

namespace {

bool reach_all_threads() noexcept { return ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0; }

}  // namespace

void barrier_without_help() noexcept {
  static constinit std::atomic<bool> asked{false};
  // relaxed: a second registration does no harm.
  if (!asked.load(std::memory_order_relaxed)) {
    asked.store(true, std::memory_order_relaxed);
    if (::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0 && reach_all_threads()) {
      light_is_enough.store(true, std::memory_order_relaxed);
    }
  }
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

void heavy_barrier() noexcept {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  // Who saw false made a fence of its own. One that saw true is reached, since it was set after the registration; a
  // child of fork() is not registered any more: it tries again.
  if (light_is_enough.load(std::memory_order_relaxed) && !reach_all_threads()) {
    ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
    reach_all_threads();
  }
}

}  // namespace gossamer::inline v0::detail
