// wait_group: see gossamer/sync/wait_group.hpp.
#include <cassert>
#include <cstdint>
#include <limits>

#include "base/fatal.hpp"
#include "gossamer/detail/deadline.hpp"
#include "gossamer/panic.hpp"
#include "gossamer/sync/wait_group.hpp"
#include "sched/park.hpp"
#include "sched/wait_on.hpp"
#include "wait/guard_bit.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::sync {

namespace {

// Where in the word the number of the bubble is whose fibers have added, and who the caller is by it.
constexpr std::uint64_t bubble_bits = 0xffff'fffc;
std::uint64_t own_bubble() noexcept { return (std::uint64_t{detail::current_bubble()} << 2) & bubble_bits; }

[[gnu::noinline]] void check_bubble(std::uint64_t own, std::uint64_t word) {
  if (word != 0 && (word & bubble_bits) != own) {
    base::fatal(own != 0 && (word & bubble_bits) != 0
                    ? "sync: WaitGroup.Add called from multiple synctest bubbles"
                    : "sync: WaitGroup.Add called from inside and outside synctest bubble");
  }
}

constexpr std::int64_t count_of(std::uint64_t word) noexcept { return static_cast<std::int64_t>(word >> 32); }

}  // namespace

void wait_group::add(int n) {
  const std::uint64_t own = own_bubble();
  for (;;) {
    std::uint64_t w = wait::load_unguarded(word_, guarded);
    if (((w & bubble_bits) | own) != 0) [[unlikely]] {
      check_bubble(own, w);
    }
    const std::int64_t count = count_of(w) + n;
    if (count < 0 || count > std::numeric_limits<std::int32_t>::max()) [[unlikely]] {
      panic("sync: negative WaitGroup counter");
    }
    if (count == 0 && (w & waiting) != 0) [[unlikely]] {
      // acq_rel: passes on what the earlier done() calls released, and takes the queue.
      if (word_.compare_exchange_weak(w, w | guarded, std::memory_order_acq_rel, std::memory_order_relaxed)) {
        release_waiters();
        return;
      }
      continue;
    }
    const std::uint64_t next = count == 0 ? 0 : (static_cast<std::uint64_t>(count) << 32) | own | (w & waiting);
    // release: pairs with the acquire in wait(); a chain of these publishes every done(). P7: the last access.
    if (word_.compare_exchange_weak(w, next, std::memory_order_release, std::memory_order_relaxed)) [[likely]] {
      return;
    }
  }
}

// The count has come to zero, and `guarded` is set: all that wait go. The count becomes zero only with the last access.
void wait_group::release_waiters() noexcept {
  fiber_list woken;
  claim_all(waiters_, woken);  // P4
  assert(waiters_.empty());
  detail::held_lock{&word_, 0}.release();  // P7
  sched::ready_all(woken);                 // P5
}

bool wait_group::wait_contended(wait::limit limit, std::source_location where) {
  sched::prepare(limit);
  std::uint64_t w = 0;
  do {
    w = wait::load_unguarded(word_, guarded);
    if (count_of(w) == 0) {
      return true;
    }
    // acquire: the queue as the last guard holder left it.
  } while (!word_.compare_exchange_weak(w, w | guarded, std::memory_order_acquire, std::memory_order_relaxed));
  return sched::through_object(sched::wait_on(waiters_, {word_, w | waiting, w},
                                              {.reason = wait_reason::wait_group_wait,
                                               .object = this,
                                               .where = where,
                                               .limit = limit,
                                               .durable = (w & bubble_bits) != 0 && (w & bubble_bits) == own_bubble()},
                                              [this](detail::waiter& self) noexcept { withdraw(self); }));
}

// P6
void wait_group::withdraw(detail::waiter& self) noexcept {
  const std::uint64_t w = wait::set_guard(word_, guarded);
  wait::remove(waiters_, self);
  assert(waiters_.empty() || count_of(w) > 0);
  detail::held_lock{&word_, (w & ~waiting) | (waiters_.empty() ? 0 : waiting)}.release();  // P7
}

}  // namespace gossamer::inline v0::sync
