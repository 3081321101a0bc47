// no_suspend: where nothing may park. See gossamer/runtime.hpp and park.hpp.
#include <string>
#include <utility>

#include "gossamer/panic.hpp"
#include "gossamer/runtime.hpp"
#include "sched/park.hpp"
#include "sched/this_thread.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0 {

namespace sched {

void refuse(const must_not_park& why, wait_reason reason) {
  panic("no_suspend: " + std::string(text(reason)) + " would block inside \"" + why.name + "\"");
}

handler_scope::handler_scope(const char* name) noexcept : before_(std::exchange(this_worker()->handler_name, name)) {}

handler_scope::~handler_scope() { this_worker()->handler_name = before_; }

// With no ticks a yield asks yield_unusually(), so that it neither costs others anything nor leaves the scope.
const char* worker::enter_scope(const char* name) noexcept {
  if (scope_name == nullptr) {
    pacer_.suspend_ticks();
  }
  return std::exchange(scope_name, name);
}

void worker::leave_scope(const char* before) noexcept {
  scope_name = before;
  if (before == nullptr) {
    pacer_.resume_ticks(pin_.is_locked());
  }
}

}  // namespace sched

#ifdef NDEBUG

const char* detail::enter_no_suspend(const char*) noexcept { return nullptr; }
void detail::leave_no_suspend(const char*) noexcept {}

#else

const char* detail::enter_no_suspend(const char* name) noexcept {
  sched::worker* const w = sched::this_worker();
  return w != nullptr && w->current() != nullptr ? w->enter_scope(name) : nullptr;
}

void detail::leave_no_suspend(const char* before) noexcept {
  if (sched::worker* w = sched::this_worker(); w != nullptr && w->current() != nullptr) {
    w->leave_scope(before);
  }
}

#endif

}  // namespace gossamer::inline v0
