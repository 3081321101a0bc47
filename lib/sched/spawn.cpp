// spawn: see gossamer/detail/spawn.hpp and gossamer/runtime.hpp.
#include "gossamer/detail/spawn.hpp"

#include <sched.h>
#include <time.h>

#include <chrono>
#include <cstdio>
#include <new>
#include <string>

#include "base/address_space.hpp"
#include "base/cpus.hpp"
#include "base/exit.hpp"
#include "base/fatal.hpp"
#include "base/forked.hpp"
#include "base/knob.hpp"
#include "base/version.hpp"
#include "fiber/locals.hpp"
#include "fiber/record_pool.hpp"
#include "fiber/report_hook.hpp"
#include "gossamer/panic.hpp"
#include "gossamer/runtime.hpp"
#include "machine/float_control.hpp"
#include "machine/stack.hpp"
#include "sched/bubble.hpp"
#include "sched/park.hpp"
#include "sched/process.hpp"
#include "sched/report.hpp"
#include "sched/scheduler.hpp"
#include "sched/terminate.hpp"
#include "sched/this_thread.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0 {

namespace {

using sched::the_scheduler;

#if GOSSAMER_TSAN
// The thread that waits in run() is the one to which signals from outside come. The thread sanitizer keeps them back
// until their thread calls something that it intercepts, which a sleep on a futex is not.
void take_signals() noexcept {
  const timespec none{};
  ::nanosleep(&none, nullptr);
}
#endif

// By the thread in run(), until main has returned.
void await_main() noexcept {
  // acquire: pairs with the release in main_has_returned().
  while (the_scheduler.main_returned.load(std::memory_order_acquire) == 0) {
#if GOSSAMER_TSAN
    base::futex_wait(the_scheduler.main_returned, 0, detail::after(detail::now(), std::chrono::milliseconds(20)));
    take_signals();
#else
    base::futex_wait(the_scheduler.main_returned, 0);
#endif
  }
}

// Main's stack: 8 MiB, as a thread's, where address space is not scarce.
unsigned main_stack_class() noexcept {
  unsigned c = machine::class_of(std::size_t{8} << 20);
  while (machine::class_bytes(c) > base::share_of_address_space(machine::class_bytes(c), 8, std::size_t{256} << 10)) {
    --c;
  }
  return c;
}

// Labels, and the place in a bubble. Out of line, so that the test before it stays two instructions.
[[gnu::noinline]] void inherit(fiber& f, const detail::local_table* parent) {
  if (parent == nullptr || (parent->labels == nullptr && parent->place.of == nullptr)) {
    return;
  }
  std::uint8_t marks = detail::mark::locals;
  try {
    if (parent->labels != nullptr) {
      detail::label_it(f.locals, detail::keep(parent->labels));
      marks |= detail::mark::labels;
    }
    if (parent->place.of != nullptr) {
      detail::put_in_bubble(f.locals, {.of = parent->place.of});
      marks |= detail::mark::bubbled;
    }
  } catch (...) {
    detail::spawn_cancel(&f);
    throw;
  }
  f.set(marks);
}

// A record that is identified, but not yet known to anybody.
fiber* new_record(sched::worker* w, unsigned size_class, const void* site) {
  fiber* f = nullptr;
  if (w != nullptr) {
    f = w->cached_records().take();
  } else {
    record_list one = records.take(1);
    f = one.size > 0 ? one.pop() : nullptr;
  }
  if (f == nullptr) {
    throw std::bad_alloc();
  }
  detail::sanitizer_acquire(f);  // of the fiber that had the record before
  f->size_class = static_cast<std::uint8_t>(size_class);
  f->marks = 0;
  f->exceptions = {};
  // A handler on a worker's own stack, or a timer, is no spawner: what it may have set concerns nobody.
  const bool has_spawner = w == nullptr || w->current() != nullptr;
  f->thread_word.store(has_spawner ? machine::current_float_control() : the_scheduler.float_control,
                       std::memory_order_relaxed);
  const fiber* const parent = w != nullptr ? w->current() : nullptr;
  f->parent = parent != nullptr ? parent->id.load(std::memory_order_relaxed) : 0;
  f->spawn_site = site;
  f->reason = wait_reason::none;
  if (parent != nullptr) {
    if (parent->has(detail::mark::labels | detail::mark::bubbled)) [[unlikely]] {
      inherit(*f, parent->locals);
    }
  } else if (w == nullptr) {
    inherit(*f, sched::thread_locals());
  }
  return f;
}

// The fiber is alive from here on, and can be pushed.
[[gnu::always_inline]] inline void announce(fiber* f, detail::invoke_function invoke, sched::worker* w) noexcept {
  f->invoke = invoke;
  if (f->has(detail::mark::bubbled)) [[unlikely]] {
    sched::bubble_of(*f).begins(*f);
  }
  detail::sanitizer_release(f);
  // relaxed: the queue publishes the fiber; an inspector reads the state as a hint until it holds the fiber.
  f->state.store(fiber_state::unstarted, std::memory_order_relaxed);
  // release: pairs with an inspector's look at the id, which then sees what new_record() wrote.
  if (w != nullptr) {
    f->id.store(w->cached_records().next_id(), std::memory_order_release);
    w->count_spawned();
  } else {
    f->id.store(the_scheduler.ids.fetch_add(1, std::memory_order_relaxed), std::memory_order_release);
    the_scheduler.spawned_outside.fetch_add(1, std::memory_order_relaxed);
  }
}

[[gnu::always_inline]] inline detail::new_fiber begin_spawn(std::size_t stack_bytes, const void* site) {
  sched::worker* const w = sched::this_worker();
  if (w == nullptr) [[unlikely]] {
    the_scheduler.ensure_running();
  }
  const unsigned size_class = stack_bytes == 0 ? the_scheduler.default_class : machine::class_of(stack_bytes);
  fiber* const f = new_record(w, size_class, site);
  return {f, f->closure};
}

void commit(fiber* f, detail::invoke_function invoke, sched::worker* w) noexcept {
  announce(f, invoke, w);
  if (w != nullptr) {
    w->push_spawned(f);
    w->wake_if_needed();
  } else {
    the_scheduler.push_from_outside(f);
  }
}

// A closure that calls body(argument).
struct plain_closure {
  void (*body)(void*);
  void* argument;
  void operator()() const { body(argument); }
};

// Main's, where it is to say who is left.
struct reporting_closure {
  plain_closure main;
  void operator()() const {
    main();
    hook::report_leaks();
  }
};

void check_options(const detail::run_options& how) {
  if (how.procs && (*how.procs < 1 || *how.procs > base::max_workers)) {
    panic("gossamer: options.procs is " + std::to_string(*how.procs) + ", but must be 1 to 256");
  }
  if (how.stack_bytes) {
    detail::checked_stack_bytes(*how.stack_bytes);
  }
}

}  // namespace

namespace sched {

fiber* new_fiber(void (*body)(void*), void* argument, const void* spawn_site) noexcept {
  worker* const w = this_worker();
  fiber* f = nullptr;
  try {
    f = new_record(w, the_scheduler.default_class, spawn_site);
  } catch (const std::bad_alloc&) {
    detail::fatal_no_fiber("the runtime");
  }
  // Some fiber's worker looks after the timers: that fiber has not spawned it.
  f->thread_word.store(the_scheduler.float_control, std::memory_order_relaxed);
  ::new (static_cast<void*>(f->closure)) plain_closure{body, argument};
  // As in spawn_closure(). Never a call of memset, which the thread sanitizer intercepts.
  __builtin_memset(f->closure + sizeof(plain_closure), 0, sizeof f->closure - sizeof(plain_closure));
  announce(f, detail::invoke_in_place<plain_closure>, w);
  return f;
}

}  // namespace sched

namespace detail {

[[gnu::noinline]] new_fiber spawn_begin(std::size_t stack_bytes) {
  return begin_spawn(stack_bytes, __builtin_return_address(0));
}

[[gnu::noinline]] new_fiber spawn_begin(std::size_t stack_bytes, std::string_view name) {
  const new_fiber made = begin_spawn(stack_bytes, __builtin_return_address(0));
  if (!name.empty()) {
    spawn_guard guard{made.record};
    name_it(made.record->locals, name);
    guard.record = nullptr;
    made.record->set(mark::locals);
  }
  return made;
}

void spawn_commit(fiber* f, invoke_function invoke) noexcept { commit(f, invoke, sched::this_worker()); }

void spawn_cancel(fiber* f) noexcept {
  destroy_locals(f->locals);
  if (sched::worker* w = sched::this_worker()) {
    w->cached_records().give(f);
  } else {
    record_list one;
    one.push(f);
    records.give(one);
  }
}

std::size_t checked_stack_bytes(std::size_t stack_bytes) {
  if (stack_bytes < base::min_stack_bytes || stack_bytes > base::max_stack_bytes) {
    panic("gossamer: a stack of " + std::to_string(stack_bytes) + " bytes: must be 16 KiB to 1 GiB");
  }
  return stack_bytes;
}

bool is_exiting() noexcept {
  const fiber* const f = sched::this_fiber();
  return f != nullptr && f->has(detail::mark::exiting);
}

void fatal_no_fiber(std::string_view who) noexcept {
  char text[128];
  std::snprintf(text, sizeof text, "out of memory: %.*s cannot start its fiber", static_cast<int>(who.size()),
                who.data());
  base::fatal(text);
}

void fatal_nil_function() { base::fatal("go of nil func value"); }

void run_main(const run_options& how, void (*body)(void*), void* argument, const int* code) {
  base::not_in_forked_child();
  check_options(how);
  if (sched::this_worker() != nullptr) {
    panic("gossamer: run called from a fiber");
  }
  if (the_scheduler.main_running.exchange(true)) {
    panic("gossamer: run called while another run is at work");
  }
  struct at_end {
    ~at_end() {
      the_scheduler.main_awaited.store(false);
      the_scheduler.main_running.store(false);
    }
  } const end;
  the_scheduler.ensure_running(&how);
  sched::watch_for_terminate();  // the program may have set one of its own since the last run()
  the_scheduler.main_returned.store(0, std::memory_order_relaxed);
  fiber* f = new_record(nullptr, main_stack_class(), __builtin_return_address(0));
  f->set(detail::mark::main);
  if (the_scheduler.leaks_at_exit) {
    ::new (static_cast<void*>(f->closure)) reporting_closure{{body, argument}};
    commit(f, invoke_in_place<reporting_closure>, nullptr);
  } else {
    ::new (static_cast<void*>(f->closure)) plain_closure{body, argument};
    commit(f, invoke_in_place<plain_closure>, nullptr);
  }
  the_scheduler.main_awaited.store(true);  // not before: an idle worker would see a deadlock
  await_main();
  sanitizer_acquire(&the_scheduler.main_returned);
  base::give_way_to_report();
  const bool still = the_scheduler.stop(sched::exit_grace);
  base::give_way_to_report();
  sched::give_way_to_exit();
  if (!still) {
    the_scheduler.name_running("main has returned");
    base::quit(*code);
  }
  the_scheduler.abandon_all();
}

}  // namespace detail

namespace sched {

void give_way() noexcept {
  worker* const w = this_worker();
  if (w != nullptr && w->current() != nullptr) {
    w->give_way_to_all();
  }
}

}  // namespace sched

namespace detail {

void resched() noexcept {
  sched::worker* const w = sched::this_worker();
  // What runs in exit() goes on, and so does a blocking call, which would not be covered any more; and a fiber that has
  // begun since another was asked.
  if (w != nullptr && w->current() != nullptr && w->status().grant_request(w->switches()) && !w->in_call() &&
      !sched::exit_is_here()) {
    w->give_way_to_all();
  }
}

}  // namespace detail

namespace runtime {

void gosched() noexcept {
  sched::worker* const w = sched::this_worker();
  if (w != nullptr && w->current() != nullptr) {
    w->yield();
  } else {
    ::sched_yield();
  }
}

void goexit() {
  const sched::worker* const w = sched::this_worker();
  if (w == nullptr || w->current() == nullptr) {
    panic("runtime.goexit called on a plain thread");
  }
  w->current()->set(detail::mark::exiting);
  throw base::fiber_exit();
}

int num_fibers() noexcept { return the_scheduler.num_fibers(); }

int num_fibers(status which) noexcept {
  return which == status::syscall ? the_scheduler.num_in_calls() : the_scheduler.num_at(which);
}

int max_procs() noexcept {
  try {
    the_scheduler.ensure_running();
  } catch (...) {  // no thread could be made; the count is what there is
  }
  return the_scheduler.procs();
}

int max_procs(int n) {
  const int before = max_procs();
  if (n >= 1) {
    the_scheduler.set_procs(n);
  }
  return before;
}

void set_default_max_procs() { the_scheduler.follow_procs(); }

int num_cpu() noexcept { return base::usable_cpus(); }

std::string_view version() noexcept { return "gossamer " GOSSAMER_VERSION; }

}  // namespace runtime

}  // namespace gossamer::inline v0
