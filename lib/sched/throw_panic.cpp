// throw_panic: how a panic begins. See gossamer/panic.hpp.
//
// It looks at its frames then: whoever catches it may throw it on, when the stack is another. Most panics are caught,
// and nobody asks; so it walks as quickly as can be (sched/running_trace.hpp).
#include <new>
#include <utility>

#include "gossamer/panic.hpp"
#include "machine/throw_site.hpp"
#include "sched/running_trace.hpp"

namespace gossamer::inline v0 {

[[gnu::noinline]] void detail::throw_panic(reference<panic_payload> payload) {
  if (std::exception_ptr handled = std::current_exception()) {
    payload->begin_during(std::move(handled), true);
  }
  if (payload->thrown_at == nullptr) {
    // Where there is no memory for it the report shows what it finds when the panic leaves its fiber.
    if (auto* const trace = new (std::nothrow) machine::stack_trace) {
      if (!sched::trace_callers(__builtin_frame_address(0), *trace)) {
        machine::trace_here(*trace);
      }
      payload->thrown_at = trace_reference(trace);
    }
  }
  throw panic_error(std::move(payload));
}

}  // namespace gossamer::inline v0
