// report: see report.hpp.
#include "sched/report.hpp"

#include <cxxabi.h>
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>

#include "base/fatal.hpp"
#include "gossamer/panic.hpp"
#include "machine/stack.hpp"
#include "sched/runtime.hpp"
#include "sched/this_thread.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0 {

namespace {

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(name, nullptr, nullptr, &status),
                                                         &std::free);
  return status == 0 && text ? text.get() : name;
}

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

// What Go prints after `panic: `.
std::string text_of_current_exception() {
  try {
    throw;
  } catch (const std::exception& e) {
    return e.what();
  } catch (const std::string& s) {
    return s;
  } catch (const char* s) {
    return s;
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    return "(" + (type != nullptr ? demangled(type->name()) : std::string("unknown type")) + ")";
  }
}

}  // namespace

namespace sched {

void print_fiber(const fiber& f, std::string_view state) noexcept {
  try {
    std::string text = "fiber " + std::to_string(f.id.load(std::memory_order_relaxed)) + " [";
    text.append(state).append("]:\n");
    if (f.state.load(std::memory_order_relaxed) == fiber_state::parked && f.where.line() != 0) {
      text.append(f.where.function_name()).append("\n\t").append(f.where.file_name()).append(":");
      text += std::to_string(f.where.line()) + "\n";
    }
    if (f.is_main) {
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

void run_body(fiber& f) noexcept {
  try {
    f.invoke(f.closure);
  } catch (...) {
    base::begin_report();
    base::print_error("panic: ");
    base::print_error(text_of_current_exception());
    base::print_error("\n\n");
    print_fiber(f, "running");
    base::quit(2);
  }
}

void fatal_out_of_stacks(const fiber& f) noexcept {
  char text[160];
  std::snprintf(text, sizeof text, "out of stacks (%d live, of %zu KiB each)", the_runtime.num_fibers(),
                machine::class_bytes(f.size_class) / 1024);
  base::fatal(text);
}

}  // namespace sched

void base::on_fatal() noexcept {
  sched::worker* w = sched::this_worker();
  if (w != nullptr && w->current() != nullptr) {
    base::print_error("\n");
    sched::print_fiber(*w->current(), "running");
  }
}

}  // namespace gossamer::inline v0
