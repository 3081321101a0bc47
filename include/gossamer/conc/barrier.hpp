// barrier: where a fixed number of parties meet, again and again: nobody goes on before all have come.
// Source: std::barrier (arrive_and_wait, arrive_and_drop), Java's CyclicBarrier (a wait that is given up breaks the
// barrier for all; reset) and Python's threading.Barrier (abort). Differs: no function is called between two phases:
// the call that came last is told so, and a second wait holds the others up while its caller does something.
//
//   conc::barrier swapped(workers);
//   for (int step = 0; step < steps; ++step) {          // in each worker
//     compute(grid, next, part);
//     if (swapped.arrive_and_wait() == conc::barrier_status::last) {
//       std::swap(grid, next);
//     }
//     swapped.arrive_and_wait();
//   }
//
#pragma once

#include <chrono>
#include <cstdint>
#include <source_location>

#include "../detail/config.hpp"
#include "../detail/spin_lock.hpp"
#include "../detail/wait_list.hpp"
#include "../limit.hpp"
#include "../panic.hpp"

namespace gossamer::inline v0::conc {

// What became of a call of barrier::arrive_and_wait().
enum class barrier_status : std::uint8_t {
  passed,  // all parties have arrived
  last,    // the same, for the one call that completed the phase
  broken,  // the barrier is broken, or was before all had arrived: what the others have done by now is not known
  ended,   // the time had come, or the stop was set, before all had arrived: this call has broken the barrier
};

// barrier: a phase is complete when as many calls have arrived as there are parties; all of them return, and the next
// phase begins: a call beyond the number of parties belongs to that. Every arrival of a phase happens-before every
// return from it with `passed` or `last`.
//
// A party that gives up would leave the others waiting for ever. So a limited wait that ends early breaks the barrier:
// all that wait return `broken`, and so does every call from then on, at once, until reset().
//
// From a fiber or a plain thread. Fixed in its place; usable in globals before main(). May be destroyed as soon as one
// call of a phase has returned, if the phase's other calls have no limit; those that have one must have returned. A
// fiber that is abandoned when main returns has not arrived, for a later run().
class GOSSAMER_API barrier {
 public:
  // Panics with `conc: barrier without parties` where there is not at least one.
  constexpr explicit barrier(int parties) : word_(phase_of(checked(parties))) {}
  barrier(const barrier&) = delete;
  barrier& operator=(const barrier&) = delete;

  // Arrives, and blocks until all parties have: `passed` or `last`; or until the barrier is broken. Panics with
  // `conc: barrier without parties` where all of them have dropped out.
  barrier_status arrive_and_wait(std::source_location where = std::source_location::current()) {
    return arrive({}, where);
  }
  // The same, but only until the limit has come, a time, a stop, or both (see ../limit.hpp): `ended`. The call that
  // completes the phase does so however late it is. Throws std::bad_alloc where there is no memory for a deadline's
  // timer, and has not arrived then.
  [[nodiscard]] barrier_status arrive_and_wait_until(wait::limit limit,
                                                     std::source_location where = std::source_location::current()) {
    return arrive(limit, where);
  }
  template <class Rep, class Period>
  [[nodiscard]] barrier_status arrive_and_wait_for(std::chrono::duration<Rep, Period> d,
                                                   std::source_location where = std::source_location::current()) {
    return arrive(d, where);
  }

  // Arrives for this phase, and leaves: from the next one on there is one party less. Does not block. True if it
  // completed the phase; then no call of the phase returns `last`. Panics as arrive_and_wait().
  bool arrive_and_drop();

  // Breaks the barrier: a party has failed, and the others need not wait for it. Does not block.
  void abort() noexcept;
  // A new phase, of a barrier that is not broken. Calls that wait return `broken`. Does not block. Parties that have
  // dropped out do not come back.
  void reset() noexcept;

  // acquire: what came before the breaking is seen. Of parties(): relaxed, as it may change at once.
  bool is_broken() const noexcept { return (word_.load(std::memory_order_acquire) & broken) != 0; }
  int parties() const noexcept { return static_cast<int>(parties_of(word_.load(std::memory_order_relaxed))); }

 private:
  // word_ = parties << 33 | pending << 2 | broken | guarded; pending is how many have yet to arrive in this phase.
  // While `guarded` is set only the one who set it changes the word, and owns what stands below it. While it is clear:
  //   broken  implies  waiters_ is empty
  //   !broken implies  pending + waiters_.size() + calls of arrive_and_drop() in this phase == parties at its
  //   beginning,
  //                    and pending > 0 if parties > 0
  static constexpr std::uint64_t guarded = 1;
  static constexpr std::uint64_t broken = 2;
  static constexpr std::uint64_t one_pending = 4;
  static constexpr int parties_shift = 33;

  static constexpr std::uint64_t parties_of(std::uint64_t word) noexcept { return word >> parties_shift; }
  static constexpr std::uint64_t pending_of(std::uint64_t word) noexcept {
    return (word & ((std::uint64_t{1} << parties_shift) - 1)) / one_pending;
  }
  // The word of a phase that begins.
  static constexpr std::uint64_t phase_of(std::uint64_t parties) noexcept {
    return parties << parties_shift | parties * one_pending;
  }
  static constexpr std::uint64_t checked(int parties) {
    if (parties < 1) {
      panic("conc: barrier without parties");
    }
    return static_cast<std::uint64_t>(parties);
  }

  barrier_status arrive(wait::limit limit, std::source_location where);
  barrier_status withdraw(detail::waiter& self) noexcept;
  std::uint64_t enter();
  std::uint64_t lock() noexcept;
  void release_waiters(std::uint64_t next, bool passed) noexcept;

  detail::lock_word word_;
  detail::wait_list waiters_;
  std::uint32_t run_number_ = 0;  // of the run() in which abandoned waiters were last looked for
};

}  // namespace gossamer::inline v0::conc
