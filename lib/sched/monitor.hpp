// monitor: a thread that sees to it that a worker which does not come back keeps nobody waiting.
//
// A worker whose fiber is in an announced blocking call (runtime::blocking) or has not given it up for 10 ms (a system
// call, or a long computation) no longer counts: another worker is set to work in its place, and takes what it has
// queued. Nothing is taken away from it; when it comes back the last worker in the row retires.
//
// A fiber that computes is first asked to give way at its next call that may block (gossamer/detail/resched.hpp): only
// if it makes none within 10 ms more another worker is set to work; within 90 ms where it waits for a CPU and
// has had less than 5 ms of one.
//
// The same holds for a worker that is held up by a handler of Asio's: also where it has the poller role, which another
// then takes.
//
// While anything runs the monitor looks every 10 ms, twice a millisecond while blocking calls are announced or workers
// have begun to stand in for others; when all have been idle for a while it sleeps until a worker leaves the idle path.
// Once a second it looks whether the process may use more CPUs or fewer than before.
// Source: Go's sysmon. Differs: no preemption; it runs no user code.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

#include "base/futex.hpp"
#include "gossamer/detail/deadline.hpp"
#include "sched/worker_status.hpp"

namespace gossamer::inline v0::sched {

class worker;

class monitor {
 public:
  constexpr monitor() noexcept = default;

  // Starts the thread, once. False if there can be none.
  bool start();
  // By a worker: it has left the idle path. It must not sleep while something runs.
  void somebody_works() noexcept {
    // relaxed: a monitor that falls asleep at this moment looks once more first.
    if (asleep_.load(std::memory_order_relaxed)) [[unlikely]] {
      wake_up();
    }
  }
  // A blocking call begins: from now on it looks twice a millisecond.
  void somebody_blocks() noexcept {
    if (!hurried_.load(std::memory_order_relaxed)) [[unlikely]] {
      hurry();
    }
  }
  // By a signal's handler, on any thread: hook::signal_has_come() is called, on the monitor's thread.
  void call_for_signal() noexcept {
    signal_has_come_.store(true);
    wake();
  }
  // By a signal's handler, on another thread: f() is called on the monitor's thread; returns when it has returned, or
  // when it takes too long. Once in a process.
  void call(void (*f)(), std::chrono::nanoseconds at_most) noexcept;
  // By a worker whose blocking call was noticed: it counts again, unless all are to stand still.
  bool back_to_work(worker& w) noexcept;
  // The worker is not at what `from` says any more.
  void settle(worker& w, duty from) noexcept;
  // By a worker that somebody stands in for already: now it is in an announced call.
  void calls_though_replaced(worker& w) noexcept;
  // By a worker whose call is over: returns when no inspector looks at it any more.
  void wait_for_inspection() noexcept { const std::scoped_lock hold(guard_); }
  // Calls change() while no inspector looks at any call.
  template <class Change>
  void change_beside_inspection(Change change) {
    const std::scoped_lock hold(guard_);
    change();
  }
  // stop(): threads in announced blocking calls need not stand still. Returns how many there are.
  int count_away() noexcept;
  // By a worker to whose thread a fiber is locked, and when it is no more: meanwhile another one counts in its place.
  // False if there can be no other.
  bool pin(worker& w) noexcept;
  void unpin(worker& w) noexcept;
  // By the runtime, after the fibers were abandoned.
  void unpin_all() noexcept;
  // By the runtime, after it has changed the number of workers: who works, again.
  void set_width() noexcept;
  // Whether every worker works or idles: none is in a call or stuck.
  bool nobody_away() noexcept;

 private:
  friend class held_call;
  static void* thread(void* self);
  void see_to_handlers() noexcept;
  void loop() noexcept;
  void wake_up() noexcept;
  void hurry() noexcept;
  void wake() noexcept {
    word_.fetch_add(1);
    base::futex_wake(word_);
  }
  bool look() noexcept;
  static detail::deadline look_at_idle() noexcept;
  void look_at(worker& w, detail::deadline now) noexcept;
  void look_at_poller(worker& w, detail::deadline now) noexcept;
  static bool has_been_asked(worker& w, detail::deadline now) noexcept;
  static void end_request(worker& w) noexcept;
  bool has_left_call(worker& w) noexcept;
  bool set_width_locked() noexcept;
  void unpin_locked(worker& w) noexcept;

  std::atomic<bool> asleep_{false};
  std::atomic<bool> hurried_{false};
  std::atomic<bool> signal_has_come_{false};
  std::atomic<void (*)()> called_{nullptr};
  base::futex_word call_is_over_{0};
  base::futex_word word_{0};
  bool started_ = false;  // under the runtime's setup_
  // The monitor's own: when somebody was last replaced, and when it last looked at what the process may use.
  detail::deadline rescued_at_ = 0;
  detail::deadline limits_read_at_ = 0;

  std::mutex guard_;
  // A thread could not be made: the monitor tries again. Written under guard_.
  std::atomic<bool> too_few_{false};
};

}  // namespace gossamer::inline v0::sched
