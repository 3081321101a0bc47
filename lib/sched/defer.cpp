// defer: see gossamer/defer.hpp.
#include "gossamer/defer.hpp"

#include <cxxabi.h>
#include <unwind.h>

#include <string>
#include <utility>

#include "base/exit.hpp"
#include "base/fatal.hpp"
#include "base/panic_chain.hpp"
#include "machine/throw_site.hpp"
#include "sched/report.hpp"

namespace gossamer::inline v0 {

namespace {

// What the report says of the exception whose unwinding called the deferred call: nothing if it is goexit's, or another
// language's. Takes it for handled: the process ends.
std::string chain_of_first(const machine::stack_trace& site) {
  auto* const header = static_cast<_Unwind_Exception*>(site.exception);
  // The last byte tells primary from dependent exceptions: both are C++'s.
  constexpr _Unwind_Exception_Class cxx = 0x432b2b00;  // "C++\0"
  if ((header->exception_class & 0xffffff00) != cxx) {
    return "";
  }
  abi::__cxa_begin_catch(header);
  const std::exception_ptr first = std::current_exception();
  try {
    std::rethrow_exception(first);
  } catch (base::fiber_exit& e) {
    e.arrive();
    return "";
  } catch (...) {
    return base::panic_chain(first);
  }
}

// Whether `payload` is that of e, or of a panic before it: linking it to e would close a circle.
bool is_in_chain(std::exception_ptr e, const detail::panic_payload* payload) {
  while (e != nullptr) {
    try {
      std::rethrow_exception(e);
    } catch (const panic_error& p) {
      if (&p.payload() == payload) {
        return true;
      }
      e = p.payload().previous;
    } catch (...) {
      return false;
    }
  }
  return false;
}

}  // namespace

void detail::panicked_while_unwinding() noexcept {
  base::begin_report();
  const std::exception_ptr second = std::current_exception();
  const machine::stack_trace* const site = machine::exception_on_its_way();
  std::string chain;
  if (site != nullptr) {
    chain = chain_of_first(*site);
  }
  base::print_error(chain);
  base::print_error(chain.empty() ? "" : "\t");
  base::print_error(base::panic_chain(second));
  base::print_error("\t[thrown by a deferred call while another exception was unwinding its scope]\n");
  sched::print_running(chain.empty() ? nullptr : site);
  base::end_report();
}

std::optional<panic_error> defers::recover() {
  if (panic_ == nullptr) {
    return std::nullopt;
  }
  recovered_ = std::exchange(panic_, nullptr);
  try {
    std::rethrow_exception(recovered_);
  } catch (const panic_error& p) {
    return p;
  } catch (...) {
    return panic_error(
        std::make_shared<detail::panic_value<std::exception_ptr>>(base::panic_text(recovered_), recovered_));
  }
}

defers::~defers() { delete site_; }

void defers::call(void (*body)(void*), void* argument) {
  try {
    machine::call_watched_inside(body, argument, &site_);
  } catch (...) {
    catch_body();
  }
}

void defers::catch_body() {
  try {
    throw;
  } catch (const base::fiber_exit&) {
    exit_ = std::current_exception();
  } catch (...) {
    panic_ = std::current_exception();
  }
}

void defers::keep_site(machine::stack_trace* site) noexcept {
  delete site_;
  site_ = site;
}

// In a catch of what left a deferred call, having been thrown at `site`.
void defers::note_thrown(machine::stack_trace* site) {
  try {
    throw;
  } catch (base::fiber_exit& again) {
    if (exit_ == nullptr) {
      exit_ = std::current_exception();
    } else {
      again.arrive();
    }
    panic_ = nullptr;  // Go: goexit aborts the panic
    keep_site(site);
  } catch (const panic_error& p) {
    const std::exception_ptr now = std::current_exception();
    const bool was_recovered = panic_ == nullptr && recovered_ != nullptr;
    const std::exception_ptr before = was_recovered ? recovered_ : panic_;
    if (is_in_chain(before, &p.payload())) {
      delete site;  // the same one, thrown on: where it began is what matters
    } else {
      keep_site(site);
      if (p.payload().previous == nullptr) {
        p.payload().previous = before;
        p.payload().previous_recovered = was_recovered;
      }
    }
    panic_ = now;
  } catch (...) {
    panic_ = std::current_exception();
    keep_site(site);
  }
}

namespace {

void call_function(void* f) { (*static_cast<const std::function<void()>*>(f))(); }

}  // namespace

// What has been deferred, and what that defers.
void defers::run_all() {
  while (!calls_.empty()) {
    const std::function<void()> call = std::move(calls_.back());
    calls_.pop_back();
    machine::stack_trace* site = nullptr;
    try {
      machine::call_watched_inside(call_function, const_cast<std::function<void()>*>(&call), &site);
    } catch (...) {
      note_thrown(site);
    }
    recovered_ = nullptr;
  }
}

// goexit gives way to a panic.
void defers::give_up_exit() noexcept {
  if (exit_ != nullptr) {
    try {
      std::rethrow_exception(std::exchange(exit_, nullptr));
    } catch (base::fiber_exit& dropped) {
      dropped.arrive();
    }
  }
}

void defers::finish() {
  run_all();
  if (panic_ != nullptr) {
    give_up_exit();
    machine::rethrow_from(std::exchange(panic_, nullptr), std::exchange(site_, nullptr));
  }
  if (exit_ != nullptr) {
    std::rethrow_exception(std::exchange(exit_, nullptr));
  }
}

}  // namespace gossamer::inline v0
