// scheduler: see scheduler.hpp.
#include "sched/scheduler.hpp"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <new>
#include <string>

#include "base/address_space.hpp"
#include "base/cpus.hpp"
#include "base/fatal.hpp"
#include "base/forked.hpp"
#include "base/stress.hpp"
#include "fiber/inspect.hpp"
#include "fiber/report_hook.hpp"
#include "gossamer/panic.hpp"
#include "machine/float_control.hpp"
#include "machine/stack.hpp"
#include "sched/overflow.hpp"
#include "sched/process.hpp"
#include "sched/report.hpp"
#include "sched/sample.hpp"
#include "sched/terminate.hpp"
#include "sched/this_thread.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0::sched {

constinit scheduler the_scheduler;
constinit std::atomic<bool> no_more_threads{false};

namespace {

#if GOSSAMER_ASAN || GOSSAMER_TSAN || !defined(NDEBUG)
constexpr std::size_t usual_stack_bytes = std::size_t{1} << 20;
#else
constexpr std::size_t usual_stack_bytes = std::size_t{256} << 10;
#endif

// For the scheduler itself it is plenty; a handler of Asio's may have to do with it where nothing more is to be had.
constexpr std::size_t least_thread_stack = std::size_t{256} << 10;
// Where address space is limited, an eighth of it is for the stacks of so many threads, or of all workers and two more:
// workers are replaced while they are in system calls, or compute, and on a busy machine several at a time.
constexpr int threads_to_expect = 64;

void* worker_thread(void* argument) {
  auto* w = static_cast<worker*>(argument);
  char name[16];
  std::snprintf(name, sizeof name, "goss/w%d", w->index());
  ::pthread_setname_np(::pthread_self(), name);
  ::prctl(PR_SET_TIMERSLACK, 1);  // ns: the lookout's steps and the timers are meant
  prepare_signal_stack();
  watch_for_exit();
  machine::set_float_control(the_scheduler.float_control);  // any fiber may have made the thread
  set_this_worker(w);
  w->set_thread(::pthread_self(), ::gettid());
  w->loop();
}

}  // namespace

bool start_thread(void* (*body)(void*), void* argument) {
  if (no_more_threads.load(std::memory_order_relaxed)) {
    return false;
  }
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  for (const int synchronous : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF, sample_signal}) {
    ::sigdelset(&all, synchronous);
  }
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  std::size_t usual = 0;
  ::pthread_attr_getstacksize(&attributes, &usual);
  const auto shares = static_cast<std::size_t>(8 * std::max(the_scheduler.procs() + 2, threads_to_expect));
  const std::size_t wanted = base::share_of_address_space(usual, shares, least_thread_stack);
  if (wanted < usual) {
    ::pthread_attr_setstacksize(&attributes, wanted & ~std::size_t{4095});
  }
  pthread_t id;
  int problem = ::pthread_create(&id, &attributes, body, argument);
  if (problem != 0 && wanted > least_thread_stack) {
    ::pthread_attr_setstacksize(&attributes, least_thread_stack);
    problem = ::pthread_create(&id, &attributes, body, argument);
  }
  ::pthread_attr_destroy(&attributes);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return problem == 0;
}

// Under setup_.
void scheduler::load_defaults() {
  if (loaded_) {
    return;
  }
  const base::knob& knob = base::the_knob();
  base::print_error(knob.complaints);
  default_procs_follow_ = !knob.procs;
  first_limits_ = base::read_cpu_limits();
  look_at_cpu_limits(first_limits_);
  default_procs_ = knob.procs.value_or(usable_cpus_);
  max_threads_.store(knob.threads.value_or(base::default_threads), std::memory_order_relaxed);
  default_stack_class_ = machine::class_of(knob.stack_bytes.value_or(usual_stack_bytes));
  base::spare_arenas();
  seed = knob.seed.value_or(static_cast<std::uint64_t>(detail::now()));
  base::seed_stress(seed);
  default_class = default_stack_class_;
  join_process();
  watch_for_overflow();
  watch_for_terminate();
  prepare_to_sample();
  base::traceback_level = knob.traceback_level.value_or(base::traceback::single);
  leaks_at_exit = knob.leaks_at_exit;
  float_control = machine::current_float_control();
  hook::watch_for_signals(knob);
  loaded_ = true;
}

void scheduler::ensure_running(const detail::run_options* how) {
  if (how == nullptr && is_running()) {
    return;
  }
  base::not_in_forked_child();
  std::unique_lock hold(setup_);
  load_defaults();
  if (!running_.load(std::memory_order_relaxed) && exit_was_called()) {
    if (how != nullptr) {
      hold.unlock();
      give_way_to_exit();
      panic("gossamer: run called while the process exits");
    }
    return;  // what is spawned now never runs
  }
  if (how != nullptr) {
    default_class = how->stack_bytes ? machine::class_of(*how->stack_bytes) : default_stack_class_;
    if (how->seed) {
      seed = *how->seed;
      base::seed_stress(seed);
    }
  }
  const int n = how != nullptr && how->procs ? *how->procs : default_procs_;
  if (how != nullptr || procs() == 0) {
    procs_follow_ = default_procs_follow_ && !(how != nullptr && how->procs);
    make_workers(n);
  }
  if (!running_.load(std::memory_order_relaxed)) {
    standing_.store(0, std::memory_order_relaxed);
    attention.fetch_and(~attention_stop);
    go_on_.fetch_add(1);
    base::futex_wake(go_on_, base::default_threads);
    running_.store(true, std::memory_order_release);
    watcher.somebody_works();
  }
}

void scheduler::set_procs(int n) {
  ensure_running();
  const std::scoped_lock hold(setup_);
  procs_follow_ = false;
  make_workers(std::clamp(n, 1, base::max_workers));
}

void scheduler::follow_procs() {
  ensure_running();
  const base::cpu_limits limits = base::read_cpu_limits();
  const std::scoped_lock hold(setup_);
  look_at_cpu_limits(limits);
  procs_follow_ = true;
  if (procs() != usable_cpus_) {
    make_workers(usable_cpus_);
  }
}

// Under setup_.
void scheduler::look_at_cpu_limits(const base::cpu_limits& now) noexcept {
  cpu_limits_ = now;
  usable_cpus_ = std::min(base::usable_cpus(first_limits_, now), base::max_workers);
  if (default_procs_follow_) {
    default_procs_ = usable_cpus_;
  }
}

void scheduler::follow_cpu_limits() noexcept {
  const base::cpu_limits limits = base::read_cpu_limits();
  const std::unique_lock hold(setup_, std::try_to_lock);
  if (!hold || limits == cpu_limits_) {
    return;  // next time, or nothing to do
  }
  look_at_cpu_limits(limits);
  if (procs_follow_ && running_.load(std::memory_order_relaxed) && procs() != usable_cpus_) {
    try {
      make_workers(usable_cpus_);
    } catch (const panic_error&) {  // no more threads: procs() stays
    }
  }
}

// Under setup_.
void scheduler::make_workers(int n) {
  if (!watcher.start()) {
    panic("gossamer: cannot start the monitor's thread");
  }
  const int before = procs();
  procs_.store(n);
  watcher.set_width();
  if (threads() < n) {
    procs_.store(before);
    watcher.set_width();
    panic("gossamer: cannot start worker thread " + std::to_string(threads()));
  }
}

namespace {

[[noreturn]] void fatal_out_of_threads(int most) noexcept {
  base::begin_report();
  char text[80];
  std::snprintf(text, sizeof text, "runtime: program exceeds %d-thread limit\n", most);
  base::print_error(text);
  base::fatal("thread exhaustion");
}

}  // namespace

int scheduler::set_max_threads(int n) {
  {
    const std::scoped_lock hold(setup_);
    load_defaults();
  }
  const int most = std::clamp(n, 0, base::default_threads);
  // relaxed: see max_threads(). A thread that begins meanwhile was allowed, or is the next one's to find.
  const int before = max_threads_.exchange(most, std::memory_order_relaxed);
  if (threads() > most) {
    fatal_out_of_threads(most);
  }
  return before;
}

bool scheduler::add_worker() noexcept {
  const int i = threads();
  if (i >= max_threads()) {
    fatal_out_of_threads(max_threads());
  }
  worker* w = workers_[static_cast<std::size_t>(i)];
  if (w == nullptr) {
    w = new (std::nothrow) worker(i, seed);
  }
  if (w == nullptr) {
    return false;
  }
  workers_[static_cast<std::size_t>(i)] = w;
  // release: pairs with the acquire in threads().
  threads_.store(i + 1, std::memory_order_release);
  if (!start_thread(worker_thread, w)) {
    threads_.store(i, std::memory_order_release);  // the worker stays, for the next attempt: somebody may look at it
    return false;
  }
  return true;
}

// By the monitor, under its guard.
void scheduler::set_width(int n, int hogs) noexcept {
  hogs_ = hogs;
  if (n == width_.load(std::memory_order_relaxed)) {
    return;
  }
  width_.store(n);
  procs_changed_.fetch_add(1);
  base::futex_wake(procs_changed_, base::default_threads);
  for (int i = n; i < threads(); ++i) {
    if (idle.leave(i)) {
      at(i).wake(false);  // to retire
    }
  }
}

void scheduler::wait_until_wanted(int index) noexcept {
  for (;;) {
    const std::uint32_t seen = procs_changed_.load();
    if (index < width_.load() || (attention.load() & attention_stop) != 0) {
      return;
    }
    base::futex_wait(procs_changed_, seen);
  }
}

void scheduler::push_from_outside(fiber* f) noexcept {
  global.push(f);
  wake_from_outside();
}

void scheduler::wake_from_outside() noexcept {
  // seq_cst throughout: the push, or the heap's new look_at(), is before this look; see idle_set.
  if (idle.somebody() && searching.load() == 0) {
    wake_one();
  }
}

// Also while somebody searches: that one would not take the watch. A watch that steps sees it for itself.
void scheduler::wake_watch() noexcept {
  if (const int i = idle.take_any(); i != idle_set::nobody) {
    at(i).wake(false);
  }
}

void scheduler::wake_one() noexcept {
  if (searching.load() != 0) {
    return;
  }
  const int i = idle.take_any();
  if (i == idle_set::nobody) {
    return;
  }
  // One that polls may be in a handler, and come late: then another is woken for the next push.
  const bool to_search = !at(i).sleep().is_polling();
  searching.fetch_add(to_search ? 1 : 0);
  at(i).wake(to_search);
}

void main_has_returned() noexcept {
  attention.fetch_or(attention_stop);  // the others stop at their next switch, before run() has even woken up
  detail::sanitizer_release(&the_scheduler.main_returned);
  // release: pairs with the acquire in run_main().
  the_scheduler.main_returned.store(1, std::memory_order_release);
  base::futex_wake(the_scheduler.main_returned);
}

void main_has_exited() noexcept {
  the_scheduler.main_exited.store(true, std::memory_order_relaxed);  // relaxed: see check_for_last_fiber()
  the_scheduler.ends_watched.store(true, std::memory_order_relaxed);
}

void check_for_last_fiber() noexcept {
  if (!the_scheduler.main_exited.load(std::memory_order_relaxed)) {  // relaxed: main's own end, at least, sees it
    return;
  }
  // seq_cst: of two fibers that end at once on two workers, one at least counts both. One that ends before it sees
  // main_exited is counted by main, or by whoever does see it.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (the_scheduler.num_fibers() == 0) {
    base::fatal("no fibers (main called runtime.goexit) - deadlock!");
  }
}

}  // namespace gossamer::inline v0::sched
