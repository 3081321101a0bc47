// bubble: fibers with a clock of their own, which moves on when all of them are durably blocked: in a wait that nobody
// outside can end. See gossamer/synctest.hpp. Source: Go runtime/synctest.go. Differs: the clock is monotonic, so its
// times are deadlines like all others; that they lie later than any machine's clock tells the two apart.
//
// Who counts, and where:
//   begins()   the spawner, before the fiber can run        ends()     the fiber, as the last of what it does
//   pauses()   the post-switch step of a durable wait, after the locks of what it waits on have been released
//   resumes()  who ends such a wait, before the fiber can run
// Whoever calls begins() or resumes() counts itself, or is the root while it holds the bubble; one from outside who
// would resume a fiber ends the process (make_unusual_ready()). So when nobody is active nobody but the root can change
// that.
//
// The root is the fiber that drives the bubble: it moves the clock on and expires the timers, and sees the end. What it
// spawns belongs to the bubble; it does not count itself.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <vector>

#include "event/timer_heap.hpp"
#include "fiber/fiber.hpp"
#include "fiber/locals.hpp"
#include "gossamer/detail/deadline.hpp"
#include "gossamer/detail/spin_lock.hpp"
#include "gossamer/detail/wait_list.hpp"

namespace gossamer::inline v0::sched {

class bubble {
 public:
  // Midnight UTC, 1 January 2000, where the system's clock has it. As a point of the machine's monotonic clock it is 30
  // years after boot; what lies later than half of that is taken for a bubble's.
  static constexpr detail::deadline first_moment = 946'684'800'000'000'000;
  static constexpr detail::deadline least = first_moment / 2;
  static constexpr bool has(detail::deadline when) noexcept { return when >= least && when != detail::no_deadline; }

  // Throws std::bad_alloc; panics where there are too many at once.
  bubble();
  bubble(const bubble&) = delete;
  bubble& operator=(const bubble&) = delete;
  // Nobody is in it any more, and its timers have been dropped.
  ~bubble();

  // No other bubble of the process has it, nor had; never 0.
  std::uint32_t number() const noexcept { return number_; }
  // relaxed: only the root changes it, while nobody is active; who is made active by it sees it.
  detail::deadline now() const noexcept { return now_.load(std::memory_order_relaxed); }
  event::timer_heap& timers() noexcept { return timers_; }
  // The heap of an index that is no worker's. It is there for good, whatever has become of the bubble that had it.
  static event::timer_heap& heap_at(std::uint16_t index) noexcept;
  // Makes room for the deadline of one of its fibers, which then arms it. Throws std::bad_alloc.
  void reserve_deadline();

  void begins(fiber& f) noexcept;
  void ends(fiber& f) noexcept;
  void pauses() noexcept;
  void resumes() noexcept;
  // By a fiber that is about to pause: the thread sanitizer learns whose writes pauses(), after the switch, publishes.
  void announce_pause() noexcept { guard_.held().announce(); }

  // By one of its fibers: returns when all others are durably blocked or have ended. Panics with `wait already in
  // progress`.
  void wait(std::source_location where);

  // By the root, on whose fiber the bubble is made: it has the bubble's clock, and holds it: nobody is idle until it
  // rests.
  void be_root();
  // Back to being any other fiber.
  void be_root_no_more() noexcept;
  // Lets go of it, and returns, holding it again, when nobody is active and nobody waits for that.
  void rest(std::source_location where);
  // Moves the clock on to the next timer, and expires all that is due then: what is to come at once never waits here,
  // so nothing is due while the bubble is idle. False if there is none.
  bool advance() noexcept;
  // None of them comes any more. What they hold ends, in fibers of the bubble.
  void drop_timers() noexcept;
  bool is_empty() noexcept;
  // By a fiber that is in it: the clock is not to move on once it has ended.
  void be_main() noexcept { this_place().is_main = true; }
  // By the root while nobody is active: whether it has.
  bool main_has_ended() noexcept;
  bool has_timers() const noexcept { return timers_.look_at() != detail::no_deadline; }
  // Of those who are in it. Throws std::bad_alloc.
  std::vector<std::uint64_t> ids();

 private:
  static detail::bubble_place& this_place() noexcept;
  fiber* next_if_idle() noexcept;
  void hand_over() noexcept;
  void take_timers(detail::deadline until, bool fire) noexcept;

  const std::uint32_t number_;
  std::atomic<detail::deadline> now_{first_moment};
  event::timer_heap& timers_;
  detail::spin_lock guard_;
  // Guarded by guard_.
  int active_ = 0;            // fibers that are not durably blocked, and the root where it holds the bubble
  fiber* members_ = nullptr;  // all but the root, linked by their places
  std::size_t size_ = 0;
  // How many there have been at once. Changed under guard_.
  std::atomic<std::size_t> most_members_{0};
  bool waited_for_ = false;
  bool main_has_ended_ = false;
  detail::wait_list waiter_;  // who is in wait()
  detail::wait_list root_;    // who rests
};

// The calling fiber's; null where it has none, and on a plain thread.
bubble* this_bubble() noexcept;
// A fiber's, which has mark::bubbled.
inline bubble& bubble_of(const fiber& f) noexcept { return *f.locals->place.of; }

}  // namespace gossamer::inline v0::sched
