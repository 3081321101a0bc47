// report: see report.hpp.
#include "sched/report.hpp"

#include <sys/resource.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <string>

#include "base/exit.hpp"
#include "base/fatal.hpp"
#include "base/panic_chain.hpp"
#include "fiber/frames.hpp"
#include "fiber/header.hpp"
#include "fiber/record_pool.hpp"
#include "fiber/report_hook.hpp"
#include "gossamer/panic.hpp"
#include "machine/stack.hpp"
#include "sched/scheduler.hpp"
#include "sched/this_thread.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0 {

namespace sched {

void print_trace(const machine::stack_trace& trace) noexcept {
  if (base::traceback_level == base::traceback::none) {
    return;
  }
  try {
    frames::names known;
    std::string text;
    frames::append(text, frames::addresses_of(trace), trace.elided(), known);
    base::print_error(text);
  } catch (...) {
    base::print_error("(no memory for the frames)\n");
  }
}

void print_fiber(const fiber& f, std::string_view state, const machine::stack_trace* trace) noexcept {
  try {
    base::print_error(frames::header(f, state));
    if (trace != nullptr) {
      print_trace(*trace);
    }
    std::string text;
    if (f.has(detail::mark::main)) {
      text = "the main fiber\n";
    } else {
      frames::names known;
      frames::append_origin(text, f.spawn_site, f.parent, known);
    }
    base::print_error(text);
  } catch (...) {
    base::print_error("(no memory to describe the fiber)\n");
  }
}

void print_others(const fiber* but) noexcept {
  if (base::traceback_level >= base::traceback::all) {
    hook::print_fibers(but != nullptr ? but->id.load(std::memory_order_relaxed) : 0);
  }
}

namespace {

// Of an exception that is no panic and was thrown on by the program itself: only when it leaves is it seen.
void say_if_thrown_on(const machine::stack_trace& site) {
  frames::names known;
  if (frames::is_thrown_on(frames::addresses_of(site), known)) {
    base::print_error("\t[thrown on by the frames below; those that threw it first are not known]\n");
  }
}

// In the handler of what has left the fiber's closure.
[[noreturn]] void report_panic(const fiber& f, const machine::stack_trace* site) noexcept {
  base::begin_report();
  const std::exception_ptr e = std::current_exception();
  const detail::trace_reference carried = base::panic_site(e);
  try {
    base::print_error(base::panic_chain(e));
    if (carried == nullptr && site != nullptr) {
      say_if_thrown_on(*site);
    }
  } catch (...) {
    base::print_error("panic: (no memory for its text)\n");
  }
  base::print_error("\n");
  print_fiber(f, "running", carried != nullptr ? carried.get() : site);
  print_others(&f);
  base::end_report();
}

}  // namespace

bool run_body(fiber& f) noexcept {
  machine::stack_trace* site = nullptr;
  try {
    machine::call_watched(f.invoke, f.closure, &site);
    return true;
  } catch (base::fiber_exit& e) {
    e.arrive();
    delete site;
    return false;
  } catch (...) {
    report_panic(f, site);
  }
}

void fatal_out_of_stacks(const fiber& f) noexcept {
  int live = 0;
  records.for_each(
      [&](const fiber& other) { live += other.id.load(std::memory_order_relaxed) != 0 && other.started() ? 1 : 0; });
  char limit[64] = "the kernel's";
  rlimit space{};
  if (::getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY) {
    std::snprintf(limit, sizeof limit, "%zu KiB of address space", static_cast<std::size_t>(space.rlim_cur / 1024));
  }
  char text[160];
  std::snprintf(text, sizeof text, "out of stacks (%d live, %zu KiB each, limit %s)", live,
                machine::class_bytes(f.size_class) / 1024, limit);
  base::fatal(text);
}

void fatal_broken_canary(const fiber& f) noexcept {
  base::begin_report();
  char text[160];
  std::snprintf(text, sizeof text,
                "runtime: fiber stack exceeds %zu-byte limit\n"
                "fatal error: stack overflow (found when the fiber ended: the canary of its stack is broken)\n\n",
                machine::class_bytes(f.size_class));
  base::print_error(text);
  print_fiber(f, "running");
  print_others(&f);
  base::end_report();
}

}  // namespace sched

void sched::print_running(const machine::stack_trace* trace) noexcept {
  const worker* const w = this_worker();
  if (w != nullptr && w->current() != nullptr) {
    base::print_error("\n");
    print_fiber(*w->current(), "running", trace);
    print_others(w->current());
  } else {
    if (trace != nullptr) {
      base::print_error("\n");
      print_trace(*trace);
    }
    print_others(nullptr);
  }
}

void base::on_fatal() noexcept {
  static machine::stack_trace trace;  // one report in a process
  machine::trace_here(trace);
  const sched::worker* const w = sched::this_worker();
  sched::print_running(w != nullptr && w->current() != nullptr ? &trace : nullptr);
}

}  // namespace gossamer::inline v0
