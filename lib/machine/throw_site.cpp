// throw_site: see throw_site.hpp.
#include "machine/throw_site.hpp"

#include <unwind.h>

#include <cstdint>
#include <new>
#include <utility>

#include "gossamer/panic.hpp"

extern "C" {
[[gnu::visibility("hidden")]] void gossamer_watch(void (*body)(void*), void* argument, void** slot);
[[gnu::visibility("hidden")]] void gossamer_watch_inside(void (*body)(void*), void* argument, void** slot);
#if defined(__x86_64__)
[[gnu::visibility("hidden")]] void gossamer_walk_from(void* context, void (*body)(void*), void* argument);
[[gnu::visibility("hidden")]] void gossamer_walk_kept(const void* frame, void (*body)(void*), void* argument);
#endif
}

namespace gossamer::inline v0::machine {

namespace {

template <class Function>
bool is_frame_of(Function* f, _Unwind_Context* context) noexcept {
  return reinterpret_cast<void*>(_Unwind_GetRegionStart(context)) == reinterpret_cast<void*>(f);
}

// Of a frame of either watcher. What both unwinders call the CFA, in the search for a handler and in a backtrace, is
// the stack pointer of the frame that is asked.
stack_trace** slot_of(_Unwind_Context* context) noexcept {
  return *reinterpret_cast<stack_trace***>(_Unwind_GetCFA(context));
}

// A trace that is being collected.
template <class Trace>
struct collecting {
  Trace& trace;
  bool interrupted = false;
};

template <class Trace>
_Unwind_Reason_Code collect(_Unwind_Context* context, void* argument) noexcept {
  auto& [trace, in_handler] = *static_cast<collecting<Trace>*>(argument);
  if (is_frame_of(&gossamer_watch, context)) {
    trace.end();
    return _URC_END_OF_STACK;
  }
  if (trace.full()) {
    return _URC_END_OF_STACK;
  }
  if (is_frame_of(&gossamer_watch_inside, context)) {
    return _URC_NO_REASON;
  }
#if defined(__x86_64__)
  if (is_frame_of(&gossamer_walk_from, context) || is_frame_of(&gossamer_walk_kept, context)) {
    trace.clear();  // what has been added is the walker's
    return _URC_NO_REASON;
  }
#endif
  int interrupted = 0;
  const auto ip = _Unwind_GetIPInfo(context, &interrupted);
  if (interrupted != 0) {
    trace.clear();  // what has been added is the signal's handler
    in_handler = true;
  }
  if (ip != 0) {
    // As if it had called: whoever looks a return address up looks at what stands before it.
    trace.add(reinterpret_cast<void*>(ip + (interrupted != 0 ? 1 : 0)));
  }
  return _URC_NO_REASON;
}

_Unwind_Reason_Code find_slot(_Unwind_Context* context, void* argument) noexcept {
  if (!is_frame_of(&gossamer_watch, context) && !is_frame_of(&gossamer_watch_inside, context)) {
    return _URC_NO_REASON;
  }
  *static_cast<stack_trace***>(argument) = slot_of(context);
  return _URC_END_OF_STACK;
}

// While rethrow_from() searches for a handler: that is no time in which a fiber could move to another thread.
constinit thread_local const stack_trace* tls_known_site = nullptr;

[[gnu::noinline]] const stack_trace* known_site() noexcept {
  const stack_trace* site = tls_known_site;
  asm volatile("" : "+r"(site));
  return site;
}
[[gnu::noinline]] void set_known_site(const stack_trace* site) noexcept {
  tls_known_site = site;
  asm volatile("" ::: "memory");
}

// Its destructor is the first that the unwinding runs, when the search is over.
struct site_in_search {
  explicit site_in_search(detail::trace_reference s) noexcept : site(std::move(s)) { set_known_site(site.get()); }
  site_in_search(const site_in_search&) = delete;
  site_in_search& operator=(const site_in_search&) = delete;
  ~site_in_search() { set_known_site(nullptr); }
  detail::trace_reference site;
};

}  // namespace

void rethrow_from(const std::exception_ptr& e, detail::trace_reference site) {
  const site_in_search known(std::move(site));
  std::rethrow_exception(e);
}

const stack_trace* exception_on_its_way() noexcept {
  stack_trace** slot = nullptr;
  _Unwind_Backtrace(find_slot, &slot);
  return slot != nullptr ? *slot : nullptr;
}

void call_watched_inside(void (*body)(void*), void* argument, stack_trace** site) {
  *site = nullptr;
  gossamer_watch_inside(body, argument, reinterpret_cast<void**>(site));
}

// For the personality routine below.
void note_leaving(_Unwind_Exception* e, _Unwind_Context* context) noexcept {
  stack_trace** const site = slot_of(context);
  if (*site == nullptr) {
    *site = new (std::nothrow) stack_trace;
  }
  if (*site == nullptr) {
    return;
  }
  if (const stack_trace* known = known_site()) {
    **site = *known;
  } else {
    (*site)->depth = 0;
    trace_here(**site);
  }
  (*site)->exception = e;
}

bool trace_here(stack_trace& trace) noexcept {
  collecting<stack_trace> c{trace};
  _Unwind_Backtrace(collect<stack_trace>, &c);
  return c.interrupted;
}

[[gnu::noinline]] void trace_here(address_list& list) noexcept {
  collecting<address_list> c{list};
  _Unwind_Backtrace(collect<address_list>, &c);
}

void call_watched(void (*body)(void*), void* argument, stack_trace** site) {
  *site = nullptr;
  gossamer_watch(body, argument, reinterpret_cast<void**>(site));
}

}  // namespace gossamer::inline v0::machine

// Asked twice for an exception that nobody below has caught: in the search, and when the frame is unwound.
extern "C" [[gnu::visibility("hidden"), gnu::used]] _Unwind_Reason_Code gossamer_watch_personality(
    int, _Unwind_Action actions, _Unwind_Exception_Class, _Unwind_Exception* e, _Unwind_Context* context) {
  if ((actions & _UA_SEARCH_PHASE) != 0) {
    gossamer::machine::note_leaving(e, context);
  }
  return _URC_CONTINUE_UNWIND;
}
