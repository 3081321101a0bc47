// worker: one thread that runs fibers.
//
// A fiber that leaves (parks, yields, ends) picks the next one itself and jumps straight to it; what must happen only
// once the fiber is off its stack (the post-switch step) happens in the hook of that jump, on the target's stack. Only
// where the worker's own queues have nothing that can be jumped to does it jump to the worker's own stack, which
// searches, steals, binds stacks, expires timers, or sleeps.
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>

#include "base/rng.hpp"
#include "event/timer_heap.hpp"
#include "fiber/fiber.hpp"
#include "fiber/fiber_list.hpp"
#include "machine/context.hpp"
#include "machine/exception_words.hpp"
#include "machine/sanitizer.hpp"
#include "machine/stack.hpp"
#include "sched/look_pacer.hpp"
#include "sched/park.hpp"
#include "sched/queue_probe.hpp"
#include "sched/ready_queues.hpp"
#include "sched/record_cache.hpp"
#include "sched/sleeper.hpp"
#include "sched/spin_rule.hpp"
#include "sched/stack_cache.hpp"
#include "sched/stack_shortage.hpp"
#include "sched/thread_pin.hpp"
#include "sched/worker_counts.hpp"
#include "sched/worker_status.hpp"

namespace gossamer::inline v0::sched {

class worker;

// How a context is left: what the post-switch step has to do.
enum class departing : std::uint8_t { own_stack, yield, stay, park, finish };

// Lies on the stack that is left.
struct departure {
  worker* on = nullptr;
  fiber* from = nullptr;  // null for the worker's own stack
  departing how = departing::own_stack;
  const parking* wait = nullptr;
};

class worker {
 public:
  worker(int index, std::uint64_t seed) noexcept;
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  // The thread's body; never returns.
  [[noreturn]] void loop() noexcept;
  // By the one that has the watch, on its own stack: whether no event is waited for. Handlers may run, and give it
  // something to do.
  bool nothing_can_come() noexcept;
  // From any thread: the worker, which has been taken out of the idle set, goes on.
  void wake(bool to_search) noexcept;

  // -- by the worker's own thread, on a fiber or on its own stack --
  int index() const noexcept { return index_; }
  fiber* current() const noexcept { return current_; }
  detail::deadline cached_now() const noexcept { return now_; }
  event::timer_heap& timers() noexcept { return timers_; }
  // Whether other fibers wait for this worker. relaxed: a hint.
  bool has_ready() const noexcept { return !queues_.empty(); }

  std::uint32_t random_below(std::uint32_t n) noexcept { return rng_.below(n); }

  void push_next(fiber* f) noexcept;     // to run next
  void push_back(fiber* f) noexcept;     // behind what is ready
  void push_in_line(fiber* f) noexcept;  // the same, and behind what is in the global queue
  void push_spawned(fiber* f) noexcept;  // unstarted
  // After a push: wakes an idle worker where the wake must not be left to the lookout.
  void wake_if_needed() noexcept;
  void wake_for_batch() noexcept;  // after several were pushed at once

  // Gives the worker up. Returns when the fiber runs again, on whichever worker; never for `finish`.
  void leave(departure& d) noexcept;
  // Lets others run; returns at once if there are none.
  void yield() noexcept;
  // The same, but the worker is seen to have switched.
  void give_way() noexcept;
  // The same, and it looks around, for what its own queues do not hold: at once where they hold nothing; else at the
  // next switch, as on its own stack the fiber that leaves would be in the queues before it picks one.
  void give_way_to_all() noexcept {
    pacer_.look_within(has_ready() ? 2 : 1);
    give_way();
  }
  // What a new fiber's stack starts with.
  static void fiber_main(machine::transfer) noexcept;

  record_cache& cached_records() noexcept { return records_; }
  const record_cache& cached_records() const noexcept { return records_; }

  // runtime::lock_os_thread(). lock_thread() panics where no other thread can run the other fibers.
  void lock_thread();
  void unlock_thread() noexcept;
  // A fiber that has ended holds its thread no longer.
  void unlock_at_end() noexcept;
  bool is_locked() const noexcept { return pin_.is_locked(); }
  // From anywhere: the fiber that is locked to this thread is runnable, and in no queue.
  void wake_locked() noexcept;
  // From anywhere, after `attention` was set: looks at it, if it waits for its locked fiber.
  void nudge_locked() noexcept { pin_.nudge(); }

  // no_suspend: the scope that its fiber is in, which therefore does not leave; and the handler on its own stack.
  const char* scope_name = nullptr;
  const char* handler_name = nullptr;
  const char* enter_scope(const char* name) noexcept;
  void leave_scope(const char* before) noexcept;

  // runtime::blocking(): false if the fiber is in a blocking call already.
  // Kept while it lasts: the frame that has begun it, null where that is not known.
  bool begin_call(const machine::kept_frame* caller) noexcept;
  void end_call() noexcept;

  // By the thread that has forked, in the child.
  void become_forked_child() noexcept;

  // -- for the monitor --
  std::uint32_t switches() const noexcept { return queues_.switches(); }
  const sleeper& sleep() const noexcept { return sleeper_; }
  const thread_pin& pin() const noexcept { return pin_; }
  worker_status& status() noexcept { return status_; }
  const worker_status& status() const noexcept { return status_; }
  pthread_t thread() const noexcept { return thread_.load(std::memory_order_relaxed); }
  pid_t thread_id() const noexcept { return thread_id_.load(std::memory_order_relaxed); }
  void set_thread(pthread_t t, pid_t id) noexcept {
    thread_id_.store(id, std::memory_order_relaxed);
    thread_.store(t, std::memory_order_relaxed);
  }
  // -- statistics, from anywhere --
  // relaxed: counts.
  std::uint64_t spawned() const noexcept { return spawned_.load(std::memory_order_relaxed); }
  std::uint64_t ended() const noexcept { return ended_.load(std::memory_order_relaxed); }
  void count_spawned() noexcept { bump(spawned_); }
  std::uint64_t all_switches() const noexcept { return queues_.all_switches(); }
  const worker_counts& counts() const noexcept { return counts_; }
  worker_counts& counts() noexcept { return counts_; }  // to count: by its own thread

  // Its fiber is in an announced blocking call.
  bool in_call() const noexcept { return status_.in_call(); }
  // Under a held_call: the stack of its fiber from where the call began. False if the call is another fiber's.
  bool look_into_call(const fiber& f, machine::stack_trace& trace) const noexcept;

  // Drops every fiber and timer that it has: all workers stand still and the fibers are abandoned.
  void forget_all() noexcept;
  // Where its own stack was left; null: never yet. For one who looks while it runs a fiber and stands still.
  machine::context own_context() const noexcept { return own_context_; }
  // The fiber that it was seen in, for a report while it runs on.
  fiber* seen_running() const noexcept { return current_; }

 private:
  friend struct debug::layout_access;
  template <class N>
  static void bump(std::atomic<N>& n) noexcept {
    n.store(n.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);  // only its worker writes it
  }

  void end_noticed_call() noexcept;
  // lock_thread.cpp
  void release_thread() noexcept;
  bool wait_for_locked() noexcept;
  void hand_over() noexcept;
  void wake_now(std::uint32_t idle_state) noexcept;
  bool yield_unusually() noexcept;
  // switch.cpp
  static machine::transfer arrive(machine::transfer t) noexcept;
  void park_in_bubble(const departure& d) noexcept;
  void post_switch(const departure& d) noexcept;
  void jump_to(fiber* next, departure& d) noexcept;
  void resume(fiber* f) noexcept;
  bool bind_hot_stack(fiber& f) noexcept;
  bool bind_stack(fiber& f) noexcept;
  void set_up(fiber& f, machine::reserve r) noexcept;
  void reclaim(fiber& f) noexcept;
  bool take_over_stack(fiber& ended, fiber& next) noexcept;

  // worker.cpp
  fiber* pick_local() noexcept;
  static void mark_running(fiber& f) noexcept;

  // find_work.cpp
  fiber* find_work() noexcept;
  fiber* look_around() noexcept;
  fiber* from_global(std::size_t most) noexcept;
  bool expire_timers() noexcept;
  bool expire_timers_of(worker& v) noexcept;
  void expire_timers_of_retired() noexcept;
  bool steal_somewhere() noexcept;
  bool steal_from(worker& v, bool run_next_too) noexcept;
  void count_queue_time(detail::deadline waited) noexcept {
    if (waited != queue_probe::none) {
      counts_.queued.add(waited);
    }
  }
  bool relieve_others() noexcept;
  bool admit(fiber* f) noexcept;
  // starved.cpp
  void put_off(fiber& f) noexcept;
  fiber* next_starved() noexcept;
  void look_for_standstill(const fiber& f, detail::deadline now) noexcept;
  void stand_still() noexcept;
  void retire() noexcept;
  void stop_searching() noexcept;
  void drain_to_global() noexcept;
  // watch.cpp
  void idle() noexcept;
  enum class depth : std::uint8_t { stepping, last_step, deep };
  static depth go_deep(detail::deadline all_idle_since, depth before) noexcept;
  void keep_watch() noexcept;
  void sleep_off_watch() noexcept;
  bool sleep_until_woken(detail::deadline until) noexcept;
  // events.cpp
  bool rest(detail::deadline until) noexcept;
  bool spin(bool watch) noexcept;
  bool go_on_with(fiber_list& ready) noexcept;
  void ask(bool asio_too, fiber_list& ready) noexcept;
  bool wait_for_events(detail::deadline until, fiber_list& ready) noexcept;
  void get_up() noexcept;
  void ask_poller(detail::deadline now) noexcept;
  bool something_for_me() noexcept;
  detail::deadline due_at(const worker& v) const noexcept;
  detail::deadline earliest_timer() const noexcept;
  detail::deadline earliest_event() const noexcept;
  struct sighting;
  sighting look_at_others(bool whole_step) noexcept;

  // What every switch touches.
  fiber* current_ = nullptr;  // null on the worker's own stack
  fiber* handoff_ = nullptr;  // picked, but to be started by the worker's own stack
  machine::context own_context_ = nullptr;
  machine::exception_words* exceptions_ = nullptr;
  record_cache records_;
  look_pacer pacer_;
  detail::deadline now_ = 0;
  stack_cache stacks_;
  departure last_departure_{};  // of a fiber that has ended: its stack may be gone before the step is done
  // Colder.
  stack_shortage shortage_;
  const int index_;
  bool searching_ = false;
  bool was_idle_ = false;
  std::uint32_t looks_without_room_ = 0;  // for timers that were due
  spin_rule spins_;
  queue_probe probe_;
  const fiber* last_to_run_ = nullptr;  // when it last came to its own stack; it may be gone
  std::uint32_t switches_when_idle_ = 0;
  base::rng rng_;
  [[no_unique_address]] machine::sanitizer_state own_sanitizer_;

  // What other threads read or write.
  alignas(64) std::atomic<pid_t> thread_id_{0};
  std::atomic<pthread_t> thread_{};
  std::atomic<bool> long_runs_{false};  // its recent fibers ran for over 10 us: a wake is not held back
  std::atomic<std::uint64_t> spawned_{0};
  std::atomic<std::uint64_t> ended_{0};
  sleeper sleeper_;
  // While a fiber is locked no other runs here, nothing stays in the queues, and the ticks are stopped.
  alignas(64) thread_pin pin_;
  worker_status status_;
  ready_queues::view view_;  // belongs to whoever has the watch
  ready_queues queues_;
  event::timer_heap timers_;
  alignas(64) worker_counts counts_;
};

}  // namespace gossamer::inline v0::sched
