// find_work: what a worker does on its own stack. See worker.hpp.
#include <algorithm>
#include <array>
#include <utility>

#include "base/forked.hpp"
#include "base/stress.hpp"
#include "event/poller.hpp"
#include "fiber/inspect.hpp"
#include "sched/make_ready.hpp"
#include "sched/process.hpp"
#include "sched/scheduler.hpp"
#include "sched/this_thread.hpp"
#include "sched/upkeep.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0::sched {

namespace {

// A backlog of this many is worth another core at once, however short the fibers.
constexpr std::size_t worth_stealing = 32;

}  // namespace

void worker::loop() noexcept {
  exceptions_ = machine::thread_exception_words();
  machine::adopt_thread(own_sanitizer_);
  detail::sanitizer_release(this);
  sleeper_.mark_awake();
  for (;;) {
    // relaxed: its own mark, or one that was made of it and can wait.
    if (const duty d = status_.seems(); d != duty::working) [[unlikely]] {
      base::not_in_forked_child();
      the_scheduler.watcher.settle(*this, d);  // its fiber parked in a blocking call, or came back late
    }
    if ((attention.load(std::memory_order_acquire) & attention_stop) != 0) {
      stand_still();
      continue;
    }
    if (pin_.is_locked()) [[unlikely]] {
      if (wait_for_locked() &&
          (attention.load(std::memory_order_relaxed) == 0 || admit(pin_.locked()))) {  // relaxed: see below
        resume(pin_.locked());
      }
      continue;
    }
    if (index_ >= the_scheduler.width()) {
      retire();
      continue;
    }
    fiber* f = find_work();
    if (f == nullptr && (f = next_starved()) == nullptr) {
      idle();
      continue;
    }
    stop_searching();
    if (std::exchange(was_idle_, false)) {
      the_scheduler.watcher.somebody_works();
      if (the_scheduler.idle.unwatched()) {
        the_scheduler.wake_one();  // I7
      }
    }
    // relaxed: after mark_running(); see fiber/inspect.hpp.
    if (attention.load(std::memory_order_relaxed) != 0 && !admit(f)) {
      continue;
    }
    resume(f);
  }
}

// The slow path of resuming: false if f must not run here and now.
bool worker::admit(fiber* f) noexcept {
  const std::uint32_t attends = attention.load(std::memory_order_relaxed);
  return (attends & attention_inspecting) == 0 || resume_beside_inspector(*f);
}

fiber* worker::find_work() noexcept {
  if (handoff_ != nullptr) {
    return std::exchange(handoff_, nullptr);
  }
  const bool due = pacer_.is_due();
  pacer_.start_ticks();
  if (due) {
    if (fiber* f = look_around()) {
      return f;
    }
  }
  if (fiber* f = pick_local()) {
    return f;
  }
  if (handoff_ != nullptr) {
    return std::exchange(handoff_, nullptr);
  }
  now_ = detail::now();
  count_queue_time(probe_.finish(now_, queues_.popped()));
  look_after_upkeep(now_);
  if (pacer_.is_overdue(now_)) {
    pacer_.look_within(1);
    fiber* const f = look_around();
    pacer_.start_ticks();
    if (f != nullptr) {
      return f;
    }
  }
  if (expire_timers() || steal_somewhere() || has_ready()) {  // upkeep may have spawned a fiber
    if (fiber* f = pick_local()) {
      return f;
    }
  }
  return handoff_ != nullptr ? std::exchange(handoff_, nullptr) : from_global(ready_queues::batch);
}

// Where the pacer says so: the clock, the timers, the poller, and in turn the global queue and the oldest
// unstarted fiber, which otherwise might wait for ever. May return a fiber that is to run now.
fiber* worker::look_around() noexcept {
  const detail::deadline now = detail::now();
  pacer_.look(now);
  count_queue_time(probe_.look(now, queues_.pushed(), queues_.popped()));
  const bool long_runs = pacer_.has_long_runs();
  if (long_runs != long_runs_.load(std::memory_order_relaxed)) {
    long_runs_.store(long_runs, std::memory_order_relaxed);  // relaxed: a hint
  }
  now_ = now;
  expire_timers_of(*this);
  if (event::the_poller.in_use()) {
    ask_poller(now);
  }
  if (the_scheduler.threads() != the_scheduler.procs()) {
    if (pacer_.relief_is_due(now, the_scheduler.threads())) {
      relieve_others();
    }
    if (pacer_.retired_are_due(now, the_scheduler.threads() - the_scheduler.width())) {
      expire_timers_of_retired();
    }
  }
  if (pacer_.trim_is_due(now)) {
    machine::trim_stacks();
    look_after_upkeep(now);
  }
  const look_pacer::turn turn = pacer_.whose_turn();
  if (turn == look_pacer::turn::global_queue) {
    return from_global(1);
  }
  if (turn == look_pacer::turn::starved_first) {
    if (fiber* f = next_starved()) {
      return f;
    }
  }
  if (fiber* f = queues_.pick_oldest_spawned()) {
    mark_running(*f);
    return f;
  }
  return nullptr;
}

// One to run, marked as running; the rest goes to this worker's queues.
fiber* worker::from_global(std::size_t most) noexcept {
  std::array<fiber*, ready_queues::batch> batch;
  // A fair share: the others should find something too. (0 where the first run() could not start all its workers, and
  // this is one of those that it had started.)
  const auto procs = static_cast<std::size_t>(std::max(the_scheduler.procs(), 1));
  const std::size_t share = the_scheduler.global.size() / procs + 1;
  std::size_t n = the_scheduler.global.pop(batch.data(), std::min({most, share, batch.size()}));
  // A plain thread that had woken it was late: its run was over.
  n = static_cast<std::size_t>(std::remove_if(batch.begin(), batch.begin() + static_cast<std::ptrdiff_t>(n),
                                              [](fiber* f) { return f->has(detail::mark::abandoned); }) -
                               batch.begin());
  if (n == 0) {
    return nullptr;
  }
  queues_.push_all(batch.data() + 1, n - 1);
  queues_.count_switch();
  mark_running(*batch[0]);
  return batch[0];
}

// Readies what is due by now_, in all workers' heaps. True if anything was.
// A timer that fires readies one fiber at most, as a sleep does.
bool worker::expire_timers() noexcept {
  bool any = false;
  const int n = the_scheduler.threads();
  for (int i = 0; i < n; ++i) {
    worker& v = the_scheduler.at((index_ + i) % n);
    any = (due_at(v) <= now_ && expire_timers_of(v)) || any;
  }
  return any;
}

// As far as this worker's queue has room, a batch at a time: the rest is still due when it looks again. Where there was
// no room for long, less than a batch: the queue is always full where many fibers give way in turn.
bool worker::expire_timers_of(worker& v) noexcept {
  constexpr std::uint32_t patience = 8;
  if (v.timers_.look_at() > now_ || (queues_.room() < event::timer_heap::batch && ++looks_without_room_ < patience)) {
    return false;
  }
  looks_without_room_ = 0;
  std::array<event::timer_heap::entry, event::timer_heap::batch> due;
  bool any = false;
  do {
    const std::size_t n = v.timers_.expire(now_, due.data(), std::clamp<std::size_t>(queues_.room(), 1, due.size()));
    for (std::size_t i = 0; i < n; ++i) {
      if (due[i].is_timer) {
        due[i].timer().prepare(due[i].timer());
      }
    }
    std::array<fiber*, event::timer_heap::batch> woken;
    for (std::size_t i = 0; i < n; ++i) {
      const event::timer_heap::entry& e = due[i];
      woken[i] = e.is_timer ? e.timer().fire(e.timer(), e.turn, e.when) : &e.sleeper();
      __builtin_prefetch(woken[i], 1);  // a prefetch of null is none
    }
    for (std::size_t i = 0; i < n; ++i) {
      if (!due[i].is_timer) {
        if (make_ready(*woken[i])) {
          push_back(woken[i]);
        }
      } else if (woken[i] != nullptr) {
        ready_last(woken[i]);
      }
    }
    add_to(counts_.timers, n);
    any = any || n > 0;
  } while (v.timers_.look_at() <= now_ && queues_.room() >= due.size());
  if (any) {
    count_queue_time(probe_.begin(now_, queues_.pushed(), queues_.popped()));
    wake_if_needed();
  }
  return any;
}

// A worker that is not wanted any more keeps its timers. Those that find nothing to run look at all timers; where all
// have enough to run, they look here.
void worker::expire_timers_of_retired() noexcept {
  const int n = the_scheduler.threads();
  for (int i = the_scheduler.width(); i < n; ++i) {
    expire_timers_of(the_scheduler.at(i));
  }
}

bool worker::steal_from(worker& v, bool run_next_too) noexcept {
  const std::size_t n = queues_.steal_from(v.queues_, run_next_too);
  if (n > 0) {
    ++counts_.steals;
    add_to(counts_.stolen, n);
  }
  return n > 0;
}

bool worker::steal_somewhere() noexcept {
  const int n = the_scheduler.threads();
  const auto start = static_cast<int>(rng_.below(static_cast<std::uint32_t>(n)));
  for (int i = 0; i < n; ++i) {
    worker& v = the_scheduler.at((start + i) % n);
    if (&v == this) {
      continue;
    }
    const std::size_t backlog = v.queues_.backlog();
    // relaxed: hints. A short backlog of short fibers is left to its worker: moving it costs more than running it, and
    // the lookout takes what nevertheless waits.
    if (backlog >= worth_stealing || (backlog > 0 && v.long_runs_.load(std::memory_order_relaxed))) {
      if (steal_from(v, false)) {
        return true;
      }
    }
  }
  return relieve_others();
}

// Takes all that workers have which somebody stands in for, and expires their timers: nobody else may be idle to look
// after it. True if there was anything.
bool worker::relieve_others() noexcept {
  bool any = false;
  const int n = the_scheduler.threads() != the_scheduler.procs() ? the_scheduler.threads() : 0;
  for (int i = 0; i < n; ++i) {
    worker& v = the_scheduler.at(i);
    if (&v == this || !v.status_.is_away()) {
      continue;
    }
    any = expire_timers_of(v) || any;
    // Once in any case, and more as far as this worker's queue has room.
    while (steal_from(v, true)) {
      any = true;
      if (queues_.backlog() >= ready_queues::batch) {
        break;
      }
    }
  }
  return any;
}

void worker::stop_searching() noexcept {
  if (searching_) {
    searching_ = false;
    the_scheduler.searching.fetch_sub(1);  // seq_cst: before the second look (I2), if the worker goes idle
  }
}

void worker::stand_still() noexcept {
  base::not_in_forked_child();
  if (the_scheduler.exit_was_called()) {
    refuse_to_block_exit();
  }
  stop_searching();
  sleeper_.mark_asleep();
  if (handoff_ != nullptr) {
    handoff_->state.store(fiber_state::runnable, std::memory_order_relaxed);
    push_back(std::exchange(handoff_, nullptr));
  }
  the_scheduler.stand_still();
  sleeper_.mark_awake();
  was_idle_ = true;
}

// No longer wanted (runtime::max_procs): what it has goes to the others, and it sleeps until it is wanted again.
void worker::retire() noexcept {
  stop_searching();
  drain_to_global();
  // I7 as well: it may have had the watch.
  if (the_scheduler.idle.unwatched() || (!the_scheduler.global.empty() && the_scheduler.idle.somebody())) {
    the_scheduler.wake_one();
  }
  sleeper_.mark_asleep();
  the_scheduler.wait_until_wanted(index_);
  sleeper_.mark_awake();
  was_idle_ = true;
}

void worker::drain_to_global() noexcept {
  if (handoff_ != nullptr) {
    handoff_->state.store(fiber_state::runnable, std::memory_order_relaxed);
    the_scheduler.global.push(std::exchange(handoff_, nullptr));
  }
  queues_.drain();
}

}  // namespace gossamer::inline v0::sched
