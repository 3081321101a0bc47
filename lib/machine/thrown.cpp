// thrown: see gossamer/detail/thrown.hpp.
#include "gossamer/detail/thrown.hpp"

#include <memory>
#include <utility>

#include "base/exit.hpp"
#include "base/panic_chain.hpp"
#include "machine/throw_site.hpp"

namespace gossamer::inline v0::detail {

trace_reference::trace_reference(const machine::stack_trace* trace) noexcept : trace_(trace) {
  if (trace != nullptr) {
    trace->handles.number.fetch_add(1, std::memory_order_relaxed);  // relaxed: whoever copies has a handle already
  }
}

void trace_reference::release() noexcept {
  // acq_rel: what others did with their handles happens before the trace's end.
  if (trace_->handles.number.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    delete trace_;
  }
}

void thrown::call(void (*body)(void*), void* argument) {
  machine::stack_trace* site = nullptr;
  try {
    machine::call_watched_inside(body, argument, &site);
  } catch (const base::fiber_exit&) {
    delete site;
    throw;
  } catch (...) {
    trace_reference seen(site);
    exception_ = std::current_exception();
    site_ = base::panic_site(exception_);
    if (site_ == nullptr) {
      site_ = std::move(seen);
    }
  }
}

void thrown::again() const { machine::rethrow_from(exception_, site_); }

}  // namespace gossamer::inline v0::detail
