// throw_site: see throw_site.hpp.
#include "machine/throw_site.hpp"

#include <unwind.h>

#include <cstdint>
#include <new>

extern "C" [[gnu::visibility("hidden")]] void gossamer_watch(void (*body)(void*), void* argument, void** slot);

namespace gossamer::inline v0::machine {

namespace {

_Unwind_Reason_Code collect(_Unwind_Context* context, void* argument) noexcept {
  if (reinterpret_cast<void*>(_Unwind_GetRegionStart(context)) == reinterpret_cast<void*>(&gossamer_watch)) {
    return _URC_END_OF_STACK;
  }
  auto& trace = *static_cast<stack_trace*>(argument);
  int interrupted = 0;
  const auto ip = _Unwind_GetIPInfo(context, &interrupted);
  if (interrupted != 0) {
    trace.depth = 0;  // what has been added is the signal's handler
  }
  if (ip != 0) {
    // As if it had called: whoever looks a return address up looks at what stands before it.
    trace.add(reinterpret_cast<void*>(ip + (interrupted != 0 ? 1 : 0)));
  }
  return _URC_NO_REASON;
}

}  // namespace

void trace_here(stack_trace& trace) noexcept { _Unwind_Backtrace(collect, &trace); }

void call_watched(void (*body)(void*), void* argument, stack_trace** site) {
  *site = nullptr;
  gossamer_watch(body, argument, reinterpret_cast<void**>(site));
}

}  // namespace gossamer::inline v0::machine

using gossamer::machine::stack_trace;

// Asked twice for an exception that nobody below has caught: in the search, and when the frame is unwound.
extern "C" [[gnu::visibility("hidden"), gnu::used]] _Unwind_Reason_Code gossamer_watch_personality(
    int, _Unwind_Action actions, _Unwind_Exception_Class, _Unwind_Exception*, _Unwind_Context* context) {
  if ((actions & _UA_SEARCH_PHASE) != 0) {
    // What both unwinders call the CFA here is the stack pointer of the frame that is asked.
    auto* const site = *reinterpret_cast<stack_trace***>(_Unwind_GetCFA(context));
    if (*site == nullptr) {
      *site = new (std::nothrow) stack_trace;
    }
    if (*site != nullptr) {
      (*site)->depth = 0;
      gossamer::machine::trace_here(**site);
    }
  }
  return _URC_CONTINUE_UNWIND;
}
