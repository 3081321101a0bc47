// terminate: see terminate.hpp.
#include "sched/terminate.hpp"

#include <cxxabi.h>

#include <atomic>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>

#include "base/fatal.hpp"
#include "base/panic_chain.hpp"
#include "gossamer/panic.hpp"
#include "machine/throw_site.hpp"
#include "sched/report.hpp"
#include "sched/this_thread.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0::sched {

namespace {

constinit std::atomic<std::terminate_handler> handler_before{nullptr};

bool is_the_standard_one(std::terminate_handler h) noexcept {
#ifdef __GLIBCXX__
  return h == &__gnu_cxx::__verbose_terminate_handler;
#else
  static_cast<void>(h);
  return false;
#endif
}

// What follows `terminate called`.
std::string reason_of(const std::exception_ptr& e) {
  if (e == nullptr) {
    return " without an active exception\n";
  }
  try {
    std::rethrow_exception(e);
  } catch (const panic_error&) {
    return " after a panic\n" + base::panic_chain(e);
  } catch (...) {
    const std::type_info* const type = abi::__cxa_current_exception_type();
    const std::string name = type != nullptr ? base::demangled(type->name()) : "an unknown type";
    return " after throwing an instance of '" + name + "'\n" + base::panic_chain(e);
  }
}

void report() noexcept {
  static machine::stack_trace here;  // one report in a process
  const std::exception_ptr e = std::current_exception();
  try {
    base::print_error("fatal error: terminate called" + reason_of(e));
  } catch (...) {
    base::print_error("fatal error: terminate called (no memory to say more)\n");
  }
  const detail::trace_reference carried = base::panic_site(e);
  if (carried == nullptr) {
    machine::trace_here(here);  // of an exception: what is not unwound
  }
  print_running(carried != nullptr ? carried.get() : &here);
}

[[noreturn]] void on_terminate() noexcept {
  const std::terminate_handler before = handler_before.load();
  const worker* const w = this_worker();
  const bool in_fiber = w != nullptr && w->current() != nullptr;
  if (in_fiber) {
    base::begin_report();
    report();
  }
  if (before != nullptr && !(in_fiber && is_the_standard_one(before))) {
    before();
  }
  std::abort();
}

}  // namespace

void watch_for_terminate() noexcept {
  if (std::get_terminate() != &on_terminate) {
    handler_before.store(std::set_terminate(&on_terminate));
  }
}

}  // namespace gossamer::inline v0::sched
