// memory_name: see memory_name.hpp.
#include "machine/memory_name.hpp"

#include <sys/prctl.h>

#include <atomic>

namespace gossamer::inline v0::machine {

void name_memory([[maybe_unused]] void* begin, [[maybe_unused]] std::size_t bytes,
                 [[maybe_unused]] const char* name) noexcept {
#if defined(PR_SET_VMA) && defined(PR_SET_VMA_ANON_NAME)
  static std::atomic<bool> can{true};  // relaxed: whoever does not see it yet asks once more
  if (can.load(std::memory_order_relaxed) && ::prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, begin, bytes, name) != 0) {
    can.store(false, std::memory_order_relaxed);
  }
#endif
}

}  // namespace gossamer::inline v0::machine
