// overflow: see overflow.hpp.
#include "sched/overflow.hpp"

#include <signal.h>
#include <sys/mman.h>

#include <chrono>
#include <cstdio>

#include "base/fatal.hpp"
#include "base/signal_chain.hpp"
#include "machine/memory_name.hpp"
#include "machine/stack.hpp"
#include "machine/throw_site.hpp"
#include "sched/report.hpp"
#include "sched/scheduler.hpp"
#include "sched/this_thread.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0::sched {

#if GOSSAMER_ASAN || GOSSAMER_TSAN

void watch_for_overflow() noexcept {}
void prepare_signal_stack() noexcept {}
void report_jump_over_guard(const fiber&) noexcept { base::fatal("stack overflow"); }

#else

namespace {

// Room for the unwinder and the demangler, and for the registers of AVX-512.
constexpr std::size_t signal_stack_bytes = std::size_t{128} << 10;

constexpr std::chrono::seconds report_patience{10};

// Written once, before the handler is in place.
struct sigaction previous_action;

// The fiber that this thread runs, if the address lies in the guard of its stack. By address: si_code differs with the
// way in which the guard was made.
const fiber* overflown(const void* address) noexcept {
  const fiber* const f = this_fiber();
  if (f == nullptr || f->stack == nullptr) {
    return nullptr;
  }
  const auto* const at = static_cast<const std::byte*>(address);
  return at >= f->stack && at < f->stack + machine::guard_bytes(f->size_class) ? f : nullptr;
}

// What a report needs memory and locks for is done by the monitor's thread, while the one that has faulted, perhaps in
// the middle of malloc, waits: not for ever, since what it holds may be missing there.
void print_from_handler(const fiber& f) noexcept {
  static machine::stack_trace trace;  // one report in a process
  static const fiber* who = &f;
  machine::trace_here(trace);
  the_scheduler.watcher.call(
      [] {
        print_fiber(*who, "running", &trace);
        print_others(who);
      },
      report_patience);
}

[[noreturn]] void report_overflow(const fiber& f, const char* why = "") noexcept {
  base::begin_report();
  char text[240];
  std::snprintf(text, sizeof text, "runtime: fiber stack exceeds %zu-byte limit%s\nfatal error: stack overflow\n\n",
                machine::class_bytes(f.size_class), why);
  base::print_error(text);
  print_from_handler(f);
  base::end_report();
}

}  // namespace

void report_jump_over_guard(const fiber& f) noexcept {
  report_overflow(f, ", and a frame went past its guard: compile with -fstack-clash-protection");
}

namespace {

// A fault elsewhere that nobody handles: whose it is. The core comes after it.
void name_fault(const fiber& f, const siginfo_t& info) noexcept {
  base::begin_report();
  char text[160];
  std::snprintf(text, sizeof text, "[signal SIGSEGV: segmentation violation code=0x%x addr=%p]\n\n",
                static_cast<unsigned>(info.si_code), info.si_addr);
  base::print_error(text);
  print_from_handler(f);
}

// Not ours: as if we were not here. With the default disposition the instruction faults again, and the core is good.
void pass_on(int signal, siginfo_t* info, void* context) noexcept {
  if (!base::pass_on(previous_action, signal, info, context)) {
    struct sigaction standard{};
    standard.sa_handler = SIG_DFL;
    ::sigaction(signal, &standard, nullptr);
    if (info->si_code <= 0) {
      ::raise(signal);  // sent, not a fault: it would not come again by itself
    }
  }
}

void on_fault(int signal, siginfo_t* info, void* context) noexcept {
  if (info->si_code > 0) {
    if (const fiber* f = overflown(info->si_addr)) {
      report_overflow(*f);
    }
    const worker* const w = this_worker();
    if (w != nullptr && w->current() != nullptr && base::is_default(previous_action)) {
      name_fault(*w->current(), *info);
    }
  }
  pass_on(signal, info, context);
}

}  // namespace

void watch_for_overflow() noexcept {
  struct sigaction ours{};
  ours.sa_sigaction = on_fault;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  ::sigemptyset(&ours.sa_mask);
  if (::sigaction(SIGSEGV, nullptr, &previous_action) == 0) {
    ::sigaction(SIGSEGV, &ours, nullptr);
  }
}

void prepare_signal_stack() noexcept {
  // For good: a worker's thread never ends.
  void* const memory = ::mmap(nullptr, signal_stack_bytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) {
    return;  // an overflow is then a plain crash
  }
  machine::name_memory(memory, signal_stack_bytes, "gossamer signal stack");
  stack_t stack{};
  stack.ss_sp = memory;
  stack.ss_size = signal_stack_bytes;
  ::sigaltstack(&stack, nullptr);
}

#endif

}  // namespace gossamer::inline v0::sched
