// defer: see gossamer/defer.hpp.
#include "gossamer/defer.hpp"

#include <cxxabi.h>
#include <unwind.h>

#include <cstdint>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>

#include "base/exit.hpp"
#include "base/fatal.hpp"
#include "base/panic_chain.hpp"
#include "machine/throw_site.hpp"
#include "sched/report.hpp"
#include "sched/this_thread.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0 {

namespace {

// What the report says, and the frames that are carried with it, of the exception whose unwinding called the deferred
// call: nothing if it is goexit's, or another language's. Takes it for handled: the process ends.
std::string chain_of_first(const machine::stack_trace& site, detail::trace_reference& carried) {
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
    carried = base::panic_site(first);
    return base::panic_chain(first);
  }
}

}  // namespace

void detail::panicked_while_unwinding() noexcept {
  base::begin_report();
  const std::exception_ptr second = std::current_exception();
  const machine::stack_trace* const site = machine::exception_on_its_way();
  std::string chain;
  detail::trace_reference carried;
  if (site != nullptr) {
    chain = chain_of_first(*site, carried);
  }
  base::print_error(chain);
  base::print_error(chain.empty() ? "" : "\t");
  base::print_error(base::panic_chain(second));
  base::print_error("\t[thrown by a deferred call while another exception was unwinding its scope]\n");
  if (chain.empty()) {
    carried = base::panic_site(second);
  }
  sched::print_running(carried != nullptr ? carried.get() : chain.empty() ? nullptr : site);
  base::end_report();
}

namespace {

// 0 on a plain thread.
std::uint64_t own_id() noexcept {
  const fiber* const f = sched::this_fiber();
  return f != nullptr ? f->id.load(std::memory_order_relaxed) : 0;  // relaxed: the caller's own
}

}  // namespace

// The panic has displaced a goexit() of this fiber, further in, and is recovered now: that goes on.
void defers::resume_exit(detail::panic_payload& p) {
  if (p.displaced_exit_of == 0 || p.displaced_exit_of != own_id() || exit_ != nullptr) {
    return;
  }
  p.displaced_exit_of = 0;
  try {
    throw base::fiber_exit();
  } catch (...) {
    exit_ = std::current_exception();
  }
}

std::optional<panic_error> defers::recover() {
  if (panic_ == nullptr) {
    return std::nullopt;
  }
  recovered_ = std::exchange(panic_, nullptr);
  try {
    std::rethrow_exception(recovered_);
  } catch (const panic_error& p) {
    resume_exit(p.payload());
    return p;
  } catch (...) {
    const detail::reference<detail::panic_payload> made(
        new detail::panic_value<std::exception_ptr>(base::panic_text(recovered_), recovered_));
    made->thrown_at = site_;
    return panic_error(made);
  }
}

[[gnu::noinline]] void defers::call(void (*body)(void*), void* argument) {
  callers_frame_ = __builtin_frame_address(0);
  machine::stack_trace* site = nullptr;
  try {
    machine::call_watched_inside(body, argument, &site);
  } catch (...) {
    site_ = detail::trace_reference(site);
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

// The frames of the body lie between those of this function and of call(), or run_all().
[[gnu::noinline]] void defers::check_references(const void* f, std::size_t bytes) const {
  const auto number = [](const void* p) { return reinterpret_cast<std::uintptr_t>(p); };
  const std::uintptr_t here = number(__builtin_frame_address(0));
  const auto* const first = static_cast<const std::byte*>(f);
  for (std::size_t at = 0; at + sizeof(void*) <= bytes; at += sizeof(void*)) {
    std::uintptr_t word = 0;
    __builtin_memcpy(&word, first + at, sizeof word);
    if (word > here && word < number(callers_frame_)) {
      panic(
          "gossamer: a deferred call refers to a variable of func()'s body, which is gone when it runs: "
          "declare it before func()");
    }
  }
}

// In a catch of what left a deferred call, having been thrown at `site`.
void defers::note_thrown(detail::trace_reference site) {
  try {
    throw;
  } catch (base::fiber_exit& again) {
    if (exit_ == nullptr) {
      exit_ = std::current_exception();
    } else {
      again.arrive();
    }
    panic_ = nullptr;  // Go: goexit aborts the panic
    site_ = std::move(site);
  } catch (const panic_error& p) {
    note_panic(p, std::move(site));
  } catch (...) {
    panic_ = std::current_exception();
    site_ = std::move(site);
  }
}

// The same of a panic.
void defers::note_panic(const panic_error& p, detail::trace_reference site) {
  std::exception_ptr now = std::current_exception();
  const bool was_recovered = panic_ == nullptr && recovered_ != nullptr;
  const std::exception_ptr before = was_recovered ? recovered_ : panic_;
  if (now != before && typeid(p) == typeid(panic_error) && base::is_in_chain(before, p.payload())) {
    // A copy of one in the chain, which stands at its own place there: this is a new panic with the same value.
    now = std::make_exception_ptr(
        panic_error(detail::reference<detail::panic_payload>(new detail::panic_payload(p.shared_payload()))));
  }
  if (now != before) {
    site_ = std::move(site);
    if (before != nullptr) {
      base::begin_during(now, before, was_recovered);
    }
  }
  panic_ = std::move(now);
}

namespace {

void call_function(void* f) { (*static_cast<detail::deferred_call*>(f))(); }

}  // namespace

// What has been deferred, and what that defers.
[[gnu::noinline]] void defers::run_all() {
  callers_frame_ = __builtin_frame_address(0);
  while (!calls_.empty()) {
    detail::deferred_call call = std::move(calls_.back());
    calls_.pop_back();
    machine::stack_trace* site = nullptr;
    try {
      machine::call_watched_inside(call_function, &call, &site);
    } catch (...) {
      note_thrown(detail::trace_reference(site));
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
    // A panic of this fiber is a panic again, for those who ask is_exiting().
    if (fiber* const f = sched::this_fiber()) {
      f->clear(detail::mark::exiting);
    }
    try {
      std::rethrow_exception(panic_);
    } catch (const panic_error& p) {
      p.payload().displaced_exit_of = own_id();
    } catch (...) {  // has no place for it
    }
  }
}

void defers::finish() {
  run_all();
  if (panic_ != nullptr) {
    give_up_exit();
    machine::rethrow_from(std::exchange(panic_, nullptr), std::move(site_));
  }
  if (exit_ != nullptr) {
    if (fiber* const f = sched::this_fiber()) {
      f->set(detail::mark::exiting);
    }
    std::rethrow_exception(std::exchange(exit_, nullptr));
  }
}

}  // namespace gossamer::inline v0
