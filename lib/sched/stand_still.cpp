// stand_still: how all workers are made to stop at their next switch, for the end of a run() or of the process, and go
// on. See scheduler.hpp.
#include <chrono>
#include <mutex>

#include "base/fatal.hpp"
#include "base/futex.hpp"
#include "fiber/inspect.hpp"
#include "fiber/record_pool.hpp"
#include "sched/process.hpp"
#include "sched/report.hpp"
#include "sched/scheduler.hpp"
#include "sched/this_thread.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0::sched {

namespace {

// How often who ends the process looks whether those that it waits for do so too.
constexpr std::chrono::milliseconds exit_look_step{5};

}  // namespace

// Workers that need not stand still: those in announced calls, and the one whose fiber asks, in exit().
std::uint32_t scheduler::count_excused() noexcept {
  const auto away = static_cast<std::uint32_t>(watcher.count_away());
  const worker* const self = this_worker();
  return self != nullptr && self->status().now() != duty::replaced ? away + 1 : away;
}

// The fiber that keeps worker i from standing still; null: none.
const fiber* scheduler::runs_on(int i) const noexcept {
  const worker& w = at(i);
  return &w != this_worker() && w.status().now() != duty::replaced ? w.seen_running() : nullptr;
}

// Workers that cannot stand still, and do as much: see waits_in_exit().
std::uint32_t scheduler::count_in_exit() const noexcept {
  std::uint32_t n = 0;
  for (int i = 0; i < threads(); ++i) {
    const fiber* const f = runs_on(i);
    n += f != nullptr && waits_in_exit(*f) ? 1 : 0;
  }
  return n;
}

// Whether a fiber, or a handler of Asio's, has not given up its worker.
bool scheduler::somebody_runs_on() const noexcept {
  for (int i = 0; i < threads(); ++i) {
    worker& w = at(i);
    if (&w != this_worker() && w.status().now() != duty::replaced &&
        (w.seen_running() != nullptr || w.sleep().is_polling())) {
      return true;
    }
  }
  return false;
}

bool scheduler::stop(std::int64_t grace_ns) {
  const std::scoped_lock hold(setup_);
  if (!running_.load(std::memory_order_relaxed)) {
    return true;
  }
  attention.fetch_or(attention_stop);
  for (int i = idle.take_any(); i != idle_set::nobody; i = idle.take_any()) {
    at(i).wake(false);
  }
  procs_changed_.fetch_add(1);
  base::futex_wake(procs_changed_, base::default_threads);
  for (int i = 0; i < threads(); ++i) {
    at(i).nudge_locked();
  }
  const detail::deadline until = detail::after(detail::now(), std::chrono::nanoseconds(grace_ns));
  // Where no fiber and no handler runs on it is the machine that is late, and nobody is to blame.
  const detail::deadline for_sure = detail::after(until, 10 * std::chrono::nanoseconds(grace_ns));
  detail::deadline next_look = detail::after(detail::now(), exit_look_step);
  std::uint32_t in_exit = 0;  // only grows
  for (;;) {
    // acquire: pairs with the release in stand_still(); all that the workers did is seen.
    const std::uint32_t standing = standing_.load(std::memory_order_acquire);
    if (standing + in_exit + count_excused() == static_cast<std::uint32_t>(threads())) {
      running_.store(false, std::memory_order_release);
      if constexpr (GOSSAMER_TSAN != 0) {
        records.for_each([](fiber& f) { detail::sanitizer_acquire(&f); });  // what each did; see worker::jump_to()
      }
      return true;
    }
    const detail::deadline now = detail::now();
    if ((now >= until && (now >= for_sure || somebody_runs_on())) || exit_is_elsewhere()) {
      return false;
    }
    if (now >= next_look) {
      in_exit = count_in_exit();
      next_look = detail::after(detail::now(), exit_look_step);
      continue;
    }
    // Not for longer: a blocking call that begins now ends the wait too.
    base::futex_wait(standing_, standing, detail::after(now, std::chrono::milliseconds(1)));
  }
}

void scheduler::wait_until_running() noexcept {
  for (;;) {
    const std::uint32_t seen = go_on_.load();
    if ((attention.load() & attention_stop) == 0) {
      return;
    }
    base::futex_wait(go_on_, seen);
  }
}

void scheduler::stand_still() noexcept {
  const std::uint32_t seen = go_on_.load();
  // release: pairs with the acquire in stop().
  standing_.fetch_add(1, std::memory_order_release);
  base::futex_wake(standing_);
  while (go_on_.load() == seen) {
    base::futex_wait(go_on_, seen);
  }
}

void scheduler::name_running(const char* why) const noexcept {
  bool named = false;
  for (int i = 0; i < threads(); ++i) {
    const fiber* const f = runs_on(i);
    if (f != nullptr && !waits_in_exit(*f)) {
      base::print_error("gossamer: ");
      base::print_error(why);
      base::print_error(", but a fiber did not give up its worker:\n");
      print_fiber(*f, "running");
      named = true;
    }
  }
  if (!named) {
    base::print_error("gossamer: ");
    base::print_error(why);
    base::print_error(", but a worker that runs no fiber did not stop\n");
  }
}

}  // namespace gossamer::inline v0::sched
