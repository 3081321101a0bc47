// thrown: see gossamer/detail/thrown.hpp.
#include "gossamer/detail/thrown.hpp"

#include <memory>
#include <utility>

#include "base/exit.hpp"
#include "base/panic_chain.hpp"
#include "machine/throw_site.hpp"

namespace gossamer::inline v0::detail {

void thrown::call(void (*body)(void*), void* argument) {
  machine::stack_trace* site = nullptr;
  try {
    machine::call_watched_inside(body, argument, &site);
  } catch (const base::fiber_exit&) {
    delete site;
    throw;
  } catch (...) {
    std::shared_ptr<const machine::stack_trace> seen(site);
    exception_ = std::current_exception();
    site_ = base::panic_site(exception_);
    if (site_ == nullptr) {
      site_ = std::move(seen);
    }
  }
}

void thrown::again() const { machine::rethrow_from(exception_, site_); }

}  // namespace gossamer::inline v0::detail
