// throw_panic: how a panic begins. See gossamer/panic.hpp.
//
// It looks at its frames then: whoever catches it may throw it on, when the stack is another. Most panics are caught,
// and nobody asks; so the way from frame to frame is worked out once for each place (machine/frame_rules.hpp).
#include <link.h>

#include <atomic>
#include <memory>
#include <new>
#include <utility>

#include "gossamer/panic.hpp"
#include "machine/frame_rules.hpp"
#include "machine/stack.hpp"
#include "machine/throw_site.hpp"
#include "sched/this_thread.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0 {

namespace sched {

namespace {

// Those of all panics, for one of them at a time: one that finds them in use goes the long way.
class shared_rules {
 public:
  // Of the callers of the function with that frame, which runs in f.
  bool trace(const fiber& f, const void* frame, machine::stack_trace& to) noexcept {
    if (in_use_.test_and_set(std::memory_order_acquire)) {  // acquire: pairs with the release below
      return false;
    }
    const unsigned long long modules_gone = count_of_modules_gone();
    if (modules_gone != modules_gone_) {
      ::new (&rules_) machine::frame_rules;  // another may lie where one has gone
      modules_gone_ = modules_gone;
    }
    const bool found = rules_.trace_callers(frame, machine::stack_top(f.stack, f.size_class), to);
    in_use_.clear(std::memory_order_release);
    return found;
  }

 private:
  static unsigned long long count_of_modules_gone() noexcept {
    unsigned long long gone = 0;
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* result) {
          *static_cast<unsigned long long*>(result) = info->dlpi_subs;
          return 1;
        },
        &gone);
    return gone;
  }

  std::atomic_flag in_use_;
  unsigned long long modules_gone_ = 0;
  machine::frame_rules rules_;
};

constinit shared_rules known_rules;

}  // namespace

}  // namespace sched

[[gnu::noinline]] void detail::throw_panic(reference<panic_payload> payload) {
  if (std::exception_ptr handled = std::current_exception()) {
    payload->begin_during(std::move(handled), true);
  }
  if (payload->thrown_at == nullptr) {
    // Where there is no memory for it the report shows what it finds when the panic leaves its fiber.
    if (auto* const trace = new (std::nothrow) machine::stack_trace) {
      const sched::worker* const w = sched::this_worker();
      const fiber* const f = w != nullptr ? w->current() : nullptr;
      if (f == nullptr || !sched::known_rules.trace(*f, __builtin_frame_address(0), *trace)) {
        machine::trace_here(*trace);
      }
      payload->thrown_at = trace_reference(trace);
    }
  }
  throw panic_error(std::move(payload));
}

}  // namespace gossamer::inline v0
