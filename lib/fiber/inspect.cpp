// inspect: see inspect.hpp.
#include "fiber/inspect.hpp"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gossamer/detail/spin_lock.hpp"

namespace gossamer::inline v0 {

constinit attention_word attention{0};

namespace {

constinit detail::spin_lock one_inspector;

void barrier_on_all_threads() noexcept {
  if (::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0) {
    ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
    if (::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0) {
      ::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
    }
  }
}

bool can_be_held(fiber_state s) noexcept {
  return s == fiber_state::parked || s == fiber_state::runnable || s == fiber_state::unstarted;
}

}  // namespace

bool resume_beside_inspector(fiber& f) noexcept {
  // seq_cst fence: our store of `running` is before this look at the mark, against hold()'s mark before its look at the
  // state.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  inspection seen = inspection::held;
  // acq_rel: publishes to release() that the fiber is woken; or, on failure, sees that the inspector is done with it.
  return !f.held.compare_exchange_strong(seen, inspection::held_and_woken, std::memory_order_acq_rel,
                                         std::memory_order_acquire);
}

inspector::inspector() {
  one_inspector.lock();
  attention.fetch_or(attention_inspecting);
  barrier_on_all_threads();
}

inspector::~inspector() {
  attention.fetch_and(~attention_inspecting);
  one_inspector.unlock();
}

bool inspector::hold(fiber& f, std::uint64_t id) noexcept {
  f.held.store(inspection::held, std::memory_order_seq_cst);
  // seq_cst: after the mark; see resume_beside_inspector().
  return f.id.load() == id && can_be_held(f.state.load());
}

bool inspector::release(fiber& f) noexcept {
  // acq_rel: pairs with resume_beside_inspector(), both ways.
  return f.held.exchange(inspection::none, std::memory_order_acq_rel) == inspection::held_and_woken;
}

}  // namespace gossamer::inline v0
