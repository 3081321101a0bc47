// report: see report.hpp.
#include "sched/report.hpp"

#include <dlfcn.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <string>

#include "base/exit.hpp"
#include "base/fatal.hpp"
#include "base/panic_chain.hpp"
#include "fiber/record_pool.hpp"
#include "gossamer/panic.hpp"
#include "machine/stack.hpp"
#include "sched/runtime.hpp"
#include "sched/this_thread.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0 {

namespace {

using base::demangled;

std::string hex(std::uintptr_t n) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%lx", static_cast<unsigned long>(n));
  return text;
}

// `function` or, where the symbol is not exported, `module`; and the offset into it.
std::string place(const void* address) {
  Dl_info info{};
  if (::dladdr(address, &info) == 0 || info.dli_fname == nullptr) {
    return hex(reinterpret_cast<std::uintptr_t>(address));
  }
  const bool named = info.dli_sname != nullptr;
  const void* base = named ? info.dli_saddr : info.dli_fbase;
  const auto offset = reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(base);
  return (named ? demangled(info.dli_sname) : std::string(info.dli_fname)) + "+" + hex(offset);
}

// `function(...)` and, in a line of its own, TAB `module +0xOFF`: files and lines are not known yet. A name with its
// parameters stands as it is.
std::string frame(const void* address) {
  // A return address: the call is before it.
  const void* const call = static_cast<const char*>(address) - 1;
  Dl_info info{};
  if (::dladdr(call, &info) == 0 || info.dli_fname == nullptr) {
    return "(unknown)(...)\n\t" + hex(reinterpret_cast<std::uintptr_t>(address)) + "\n";
  }
  const auto offset = [&](const void* base) {
    return hex(reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(base));
  };
  std::string name = info.dli_sname != nullptr ? demangled(info.dli_sname) : "(unknown)";
  if (name.find('(') == std::string::npos) {
    name += "(...)";
  }
  return name + "\n\t" + info.dli_fname + " +" + offset(info.dli_sname != nullptr ? info.dli_saddr : info.dli_fbase) +
         "\n";
}

// Whether the frame belongs to the throwing itself. They come first in a trace.
bool is_throwing(const void* address) {
  Dl_info info{};
  if (::dladdr(static_cast<const char*>(address) - 1, &info) == 0 || info.dli_sname == nullptr) {
    return false;
  }
  for (const char* name : {"_Unwind_RaiseException", "_Unwind_Resume_or_Rethrow", "__cxa_throw", "__cxa_rethrow"}) {
    if (std::strcmp(info.dli_sname, name) == 0) {
      return true;
    }
  }
  return std::strstr(info.dli_sname, "rethrow_exception") != nullptr;
}

}  // namespace

namespace sched {

void print_trace(const machine::stack_trace& trace) noexcept {
  try {
    const std::size_t n = trace.size();
    std::size_t first = 0;
    for (std::size_t i = 0; i < n && i < 12; ++i) {
      if (is_throwing(trace.at(i))) {
        first = i + 1;
      }
    }
    for (std::size_t i = first; i < n; ++i) {
      if (i == machine::stack_trace::half && trace.elided() > 0) {
        base::print_error("..." + std::to_string(trace.elided()) + " frames elided...\n");
      }
      base::print_error(frame(trace.at(i)));
    }
  } catch (...) {
    base::print_error("(no memory for the frames)\n");
  }
}

void print_fiber(const fiber& f, std::string_view state, const machine::stack_trace* trace) noexcept {
  try {
    base::print_error("fiber " + std::to_string(f.id.load(std::memory_order_relaxed)) + " [" + std::string(state) +
                      "]:\n");
    if (trace != nullptr) {
      print_trace(*trace);
    }
    std::string text;
    if (f.state.load(std::memory_order_relaxed) == fiber_state::parked && f.where.line() != 0) {
      text.append(f.where.function_name()).append("\n\t").append(f.where.file_name()).append(":");
      text += std::to_string(f.where.line()) + "\n";
    }
    if (f.has(detail::mark::main)) {
      text += "the main fiber\n";
    } else {
      text += "created by " + place(f.spawn_site) + " in ";
      text += f.parent == 0 ? std::string("a plain thread") : "fiber " + std::to_string(f.parent);
      text += "\n";
    }
    base::print_error(text);
  } catch (...) {
    base::print_error("(no memory to describe the fiber)\n");
  }
}

namespace {

// In the handler of what has left the fiber's closure.
[[noreturn]] void report_panic(const fiber& f, const machine::stack_trace* site) noexcept {
  base::begin_report();
  try {
    base::print_error(base::panic_chain(std::current_exception()));
  } catch (...) {
    base::print_error("panic: (no memory for its text)\n");
  }
  base::print_error("\n");
  print_fiber(f, "running", site);
  base::quit(2);
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
  base::quit(2);
}

}  // namespace sched

void sched::print_running(const machine::stack_trace* trace) noexcept {
  const worker* const w = this_worker();
  if (w != nullptr && w->current() != nullptr) {
    base::print_error("\n");
    print_fiber(*w->current(), "running", trace);
  } else if (trace != nullptr) {
    base::print_error("\n");
    print_trace(*trace);
  }
}

void base::on_fatal() noexcept { sched::print_running(nullptr); }

}  // namespace gossamer::inline v0
