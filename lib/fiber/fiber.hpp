// fiber: the record of one fiber. Records are pooled and type-stable: their memory stays a record for ever, so that an
// inspector may look at one at any time and find out from its id whether it still is the fiber that it meant.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <source_location>

#include "base/futex.hpp"
#include "fiber/reason.hpp"
#include "gossamer/detail/spawn.hpp"
#include "machine/context.hpp"
#include "machine/exception_words.hpp"
#include "machine/sanitizer.hpp"
#include "machine/stack.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0 {

enum class fiber_state : std::uint8_t {
  free,       // in a pool
  unstarted,  // spawned; has no stack
  runnable,   // has run, and waits for its turn
  running,
  parked,
  thread,  // not a fiber: the record through which a plain thread waits
};

// An inspector's hold on a fiber that must not run for a moment; see inspect.hpp.
enum class inspection : std::uint8_t { none, held, held_and_woken };

namespace detail {

struct local_table;

// What is out of the ordinary about a fiber: bits of `marks`.
namespace mark {
inline constexpr std::uint8_t main = 1;
inline constexpr std::uint8_t exiting = 2;    // it has called goexit
inline constexpr std::uint8_t abandoned = 4;  // its main has returned: never runs again. Set while workers stand still
inline constexpr std::uint8_t locked = 8;     // to the thread of the worker `home`
inline constexpr std::uint8_t locals = 16;    // it has a local_table: fiber-locals, a name, or labels
inline constexpr std::uint8_t labels = 32;    // it has labels, which the fibers that it spawns inherit
inline constexpr std::uint8_t leaked = 64;    // it can never go on. Set while it is held by an inspector
// It is in a bubble: see sched/bubble.hpp. It has a local_table, too.
inline constexpr std::uint8_t bubbled = 128;
}  // namespace mark

struct alignas(64) fiber {
  // Written by the spawner and by whoever runs the fiber; handed on with it through the run queues.
  fiber* next = nullptr;  // in the global queue, or in a pool
  invoke_function invoke = nullptr;
  // Identity: unique in the process, never used again. 0 while the record is in a pool.
  // The spawner's store is a release: it pairs with an inspector's look, which sees what stands above and below. An
  // inspector reads it before and after what it wants to know.
  std::atomic<std::uint64_t> id{0};
  std::uint64_t parent = 0;
  const void* spawn_site = nullptr;  // an address in the caller of go()
  local_table* locals = nullptr;     // null unless it has mark::locals. The fiber's own
  // Relaxed: a hint for others; the fiber itself is handed on through queues and locks.
  std::atomic<fiber_state> state{fiber_state::free};
  std::atomic<inspection> held{inspection::none};
  wait_reason reason = wait_reason::none;
  std::uint8_t size_class = 0;
  std::uint16_t last_worker = 0;
  // Changed atomically, by the fiber itself, but for `abandoned` and `leaked`; handed on with it. Read plainly: one
  // instruction.
  std::uint8_t marks = 0;
  alignas(closure_align) std::byte closure[closure_bytes];

  // Written by the fiber or its worker while it runs, or at the switch away from it.
  machine::context context = nullptr;
  machine::reserve stack = nullptr;  // null until it first runs
  machine::exception_words exceptions;
  std::source_location where;    // the blocking call
  const void* object = nullptr;  // what it waits on
  std::int64_t wait_start = 0;   // its worker's cached time (steady_clock, ns), not a clock read
  wait::ticket* ticket = nullptr;

  // Counts the deadlines that were armed and disarmed, so that a stale entry of a timer heap is known. Written by the
  // fiber, under the lock of the heap `timer_heap`; another heap may look at it for an entry that has long been stale.
  std::atomic<std::uint32_t> timer_turn{0};
  std::uint16_t timer_heap = 0;
  std::uint16_t home = 0;  // see mark::locked

  // A plain thread sleeps on it: 1 once it is woken. Type-stable, so a late wake-up call touches nothing that has died.
  // A fiber's, until it starts: the machine::float_control that it begins with. Relaxed, handed on with it.
  base::futex_word thread_word{0};

  [[no_unique_address]] machine::sanitizer_state sanitizer;

  bool started() const noexcept { return stack != nullptr; }
  // Through which a plain thread waits, whatever becomes of the run(). relaxed: never changes while it does.
  bool is_thread() const noexcept { return state.load(std::memory_order_relaxed) == fiber_state::thread; }
  bool has(std::uint8_t any_of) const noexcept { return (marks & any_of) != 0; }
  void set(std::uint8_t m) noexcept { __atomic_fetch_or(&marks, m, __ATOMIC_RELAXED); }
  void clear(std::uint8_t m) noexcept { __atomic_fetch_and(&marks, static_cast<std::uint8_t>(~m), __ATOMIC_RELAXED); }
};

#if !GOSSAMER_ASAN && !GOSSAMER_TSAN
static_assert(sizeof(fiber) <= 192);
#endif

}  // namespace detail

using detail::fiber;

}  // namespace gossamer::inline v0
