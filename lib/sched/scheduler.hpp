// scheduler: what the workers share, and their starting and stopping. Constant-initialised and never destroyed, since
// fibers, plain threads and exit handlers may use it at any time.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>

#include "base/cpus.hpp"
#include "base/futex.hpp"
#include "base/knob.hpp"
#include "gossamer/detail/spawn.hpp"
#include "gossamer/runtime.hpp"
#include "machine/float_control.hpp"
#include "sched/global_queue.hpp"
#include "sched/idle_set.hpp"
#include "sched/lookout.hpp"
#include "sched/monitor.hpp"
#include "sched/poll_pacer.hpp"

namespace gossamer::inline v0::debug {
struct layout_access;
}

namespace gossamer::inline v0::sched {

class worker;

// A thread of the runtime's: detached, and without asynchronous signals, since users' handlers are to run on their own
// threads' stacks, never on a fiber's.
bool start_thread(void* (*body)(void*), void* argument);
// As if the system gave no more threads: for tests.
extern std::atomic<bool> no_more_threads;

class scheduler {
 public:
  constexpr scheduler() noexcept = default;

  // Starts the workers, or lets them go on, if they do not run. With the options of run(), where there are any; panics
  // where one is out of range. From a plain thread.
  void ensure_running(const detail::run_options* how = nullptr);
  bool is_running() const noexcept {
    return running_.load(std::memory_order_acquire);  // acquire: pairs with the release in ensure_running()
  }
  // The number of workers that run fibers, 1 to base::max_workers. Panics where a thread cannot be made. From anywhere.
  void set_procs(int n);
  // The number of workers follows what the process may use, whoever has said how many. As set_procs().
  void follow_procs();
  // Returns the one before. Fatal if there are more threads already. From anywhere.
  int set_max_threads(int n);
  // Makes all workers stand still at their next switch and waits for it; false if one has not after `grace_ns`.
  bool stop(std::int64_t grace_ns);
  // All workers stand still: every fiber that is alive is abandoned.
  void abandon_all() noexcept;
  // Prints who still runs, after a stop() that failed, beginning with why it was called.
  void name_running(const char* why) const noexcept;
  bool somebody_runs_on() const noexcept;

  // Whether exit() is at work. The workers stand still, then, for good.
  bool exit_was_called() const noexcept;
  // By the thread that has forked, in the child.
  void become_forked_child() noexcept;
  // At exit: tells the leak checker of the stacks of parked fibers.
  void show_parked_stacks() noexcept;

  // A fiber from outside the workers.
  void push_from_outside(fiber* f) noexcept;
  // After a push, or after a timer was armed, from outside: an idle worker looks.
  void wake_from_outside() noexcept;
  // The poller has come into use: whoever has the watch may sleep where no event would wake it.
  void wake_watch() noexcept;
  void wake_one() noexcept;

  int num_fibers() const noexcept;
  // By status: each record looked at once. Of fibers in announced calls; of the others.
  int num_in_calls() const noexcept;
  int num_at(gossamer::runtime::status which) const noexcept;
  // Workers 0 to threads() - 1 exist; those below procs() run fibers.
  // acquire: pairs with the release in set_procs(); the worker itself is seen.
  int threads() const noexcept { return threads_.load(std::memory_order_acquire); }
  int procs() const noexcept { return procs_.load(std::memory_order_relaxed); }
  // Workers below width() may run fibers: procs() of them, and those that somebody stands in for.
  int width() const noexcept { return width_.load(std::memory_order_relaxed); }
  // relaxed: a number for itself.
  int max_threads() const noexcept { return max_threads_.load(std::memory_order_relaxed); }
  // Workers that stand in for others which compute.
  int substitutes_of_hogs() const noexcept { return hogs_; }
  worker& at(int i) const noexcept { return *workers_[static_cast<std::size_t>(i)]; }

  // By a worker that stands still: returns when all may go on.
  void stand_still() noexcept;
  // By a worker that was away when all stood still: returns when they go on.
  void wait_until_running() noexcept;
  // By a worker that is not below width(): returns when it is, or when all are to stand still.
  void wait_until_wanted(int worker) noexcept;

  // By the monitor, under its guard: one more worker; false where there can be no more threads.
  bool add_worker() noexcept;
  void set_width(int n, int hogs) noexcept;
  // By the monitor: the number of workers follows what the process may use, unless somebody has said how many.
  void follow_cpu_limits() noexcept;
  // By the worker that keeps watch, when all are idle: whether nothing can ever happen any more. Not where the process
  // has threads that are not the runtime's: they may still do something.
  bool deadlocked(worker& asking) noexcept;
  // Whether that might change though nobody tells: foreign threads may end, or the one in run() comes to its wait.
  bool may_deadlock() const noexcept { return main_running.load(std::memory_order_relaxed) && num_fibers() > 0; }

  monitor watcher;
  idle_set idle;
  global_queue global;
  lookout watch;
  poll_pacer polls;
  // Unstarted fibers for which there was no stack.
  global_queue starved;
  // Workers that were woken to search and have not found anything yet: while there is one, no other is woken.
  std::atomic<int> searching{0};
  std::atomic<std::uint64_t> ids{1};
  // How often a fiber that is locked to its thread was made to run.
  std::atomic<std::uint64_t> locked_wakes{0};
  // Fibers spawned by plain threads.
  std::atomic<std::uint64_t> spawned_outside{0};
  // Counts spawned and ended before the last abandon_all().
  std::atomic<std::int64_t> abandoned_count{0};
  unsigned default_class = 0;
  std::uint64_t seed = 0;
  bool leaks_at_exit = false;  // of the environment; written once
  // Of the thread that first started the runtime: the workers', and what fibers begin with that no fiber has spawned.
  machine::float_control float_control = 0;

  // run()
  std::atomic<bool> main_running{false};
  std::atomic<bool> main_awaited{false};  // main has been pushed: the thread that did it only waits from now on
  base::futex_word main_returned{0};
  std::atomic<bool> main_exited{false};  // by goexit: it never returns
  // Main has exited, or a stack may be guarded by a canary: each end of a fiber is looked at.
  std::atomic<bool> ends_watched{false};

 private:
  friend struct debug::layout_access;
  void load_defaults();
  bool quiet() noexcept;
  std::uint32_t count_excused() noexcept;
  const fiber* runs_on(int i) const noexcept;
  std::uint32_t count_in_exit() const noexcept;
  void make_workers(int n);
  void look_at_cpu_limits(const base::cpu_limits& now) noexcept;

  std::mutex setup_;
  // Guarded by setup_.
  bool loaded_ = false;
  int default_procs_ = 0;
  int usable_cpus_ = 0;                // by the limits
  bool procs_follow_ = false;          // procs() follows the limits; false where somebody has set it
  bool default_procs_follow_ = false;  // so it is without options; false where the knob has set it
  unsigned default_stack_class_ = 0;
  base::cpu_limits first_limits_;  // at the start
  base::cpu_limits cpu_limits_;    // as the monitor has read them last

  std::atomic<bool> running_{false};
  std::atomic<int> threads_{0};
  std::atomic<int> procs_{0};
  std::atomic<int> width_{0};
  std::atomic<int> max_threads_{base::default_threads};
  int hogs_ = 0;  // under the monitor's guard
  base::futex_word procs_changed_{0};
  base::futex_word standing_{0};
  base::futex_word go_on_{0};
  std::array<worker*, base::default_threads> workers_{};
};

extern scheduler the_scheduler;

}  // namespace gossamer::inline v0::sched
