// walk: see walk.hpp.
#include "machine/walk.hpp"

#include <ucontext.h>
#include <unwind.h>

#include <algorithm>
#include <array>
#include <cstdint>

#if defined(__x86_64__)
extern "C" {
[[gnu::visibility("hidden")]] void gossamer_walk_from(void* context, void (*body)(void*), void* argument);
[[gnu::visibility("hidden")]] void gossamer_walk_kept(const void* frame, void (*body)(void*), void* argument);
}
#else
static void gossamer_walk_from(void*, void (*)(void*), void*) {}
static void gossamer_walk_kept(const void*, void (*)(void*), void*) {}
#endif

namespace gossamer::inline v0::machine {

bool layout_is_unknown = false;

namespace {

// How a parked context can be read.
struct layout {
  bool as_described = false;
  std::size_t frame_pointer = 0;  // where a context keeps it, in bytes; 0: not known
};

// A context that has left its stack in parked_function(), and what it left for. There is one in a process.
constinit struct {
  context home = nullptr;
  context parked = nullptr;
  const void* frame = nullptr;
} specimen;

// A hook of jump(): where the other side has left.
transfer keep(transfer t) {
  *static_cast<context*>(t.data) = t.fctx;
  return t;
}

[[gnu::noinline]] void parked_function(transfer) {
  specimen.frame = __builtin_frame_address(0);
  jump(specimen.home, &specimen.parked, keep);
  __builtin_trap();
}

_Unwind_Reason_Code find_function(_Unwind_Context* frame, void* found) noexcept {
  if (reinterpret_cast<void*>(_Unwind_GetRegionStart(frame)) == reinterpret_cast<void*>(&parked_function)) {
    *static_cast<bool*>(found) = true;
    return _URC_END_OF_STACK;
  }
  return _URC_NO_REASON;
}

// A word of a stack that is not the caller's, of which the address sanitizer knows nothing.
#if GOSSAMER_ASAN
[[gnu::no_sanitize("address")]]
#endif
const void* word_at(const void* p, std::size_t offset = 0) noexcept {
  return *reinterpret_cast<const void* const*>(static_cast<const std::byte*>(p) + offset);
}

constexpr std::size_t saved_at_most = 0x60;

// Parks a context, and looks whether it can be read.
layout try_out() noexcept {
  layout found;
  alignas(64) static std::array<std::byte, 16384> stack;
  jump(make_context(stack.data() + stack.size(), stack.size(), parked_function), &specimen.home, keep);
  gossamer_walk_from(
      specimen.parked, [](void* result) { _Unwind_Backtrace(find_function, result); }, &found.as_described);
  const auto room = static_cast<std::size_t>(stack.data() + stack.size() - static_cast<std::byte*>(specimen.parked));
  const std::size_t end = std::min(saved_at_most, room);
  // The first: behind the context lies what that frame has kept, which looks the same.
  for (std::size_t at = 0; found.frame_pointer == 0 && at + sizeof(void*) <= end; at += sizeof(void*)) {
    const void* const word = word_at(specimen.parked, at);
    // The frame of parked_function(), or that of jump(), where the compiler has made it a function.
    const bool on_stack = word >= specimen.parked && word < stack.data() + stack.size();
    if (on_stack && (word == specimen.frame || word_at(word) == specimen.frame)) {
      found.frame_pointer = at;
    }
  }
  return found;
}

const layout& known_layout() noexcept {
  static const layout known = try_out();
  return known;
}

// Of each frame: the frame pointer of its caller, and then the address where it returns to.
void follow_frame_pointers(const void* frame, const void* low, const void* high, stack_trace& trace) noexcept {
  const auto within = [&](const void* p) {
    return reinterpret_cast<std::uintptr_t>(p) >= reinterpret_cast<std::uintptr_t>(low) &&
           reinterpret_cast<std::uintptr_t>(p) + 2 * sizeof(void*) <= reinterpret_cast<std::uintptr_t>(high) &&
           reinterpret_cast<std::uintptr_t>(p) % sizeof(void*) == 0;
  };
  while (within(frame)) {
    const void* const caller = word_at(frame);
    const void* const returns_to = word_at(frame, sizeof(void*));
    if (returns_to == nullptr) {
      return;
    }
    trace.add(const_cast<void*>(returns_to));
    if (reinterpret_cast<std::uintptr_t>(caller) <= reinterpret_cast<std::uintptr_t>(frame)) {
      return;
    }
    frame = caller;
  }
}

}  // namespace

void trace_context(context parked, const void* low, const void* high, stack_trace& trace, frame_rules* rules) noexcept {
  trace.depth = 0;
  trace.whole = false;
  const layout& known = known_layout();
  if (known.as_described && !layout_is_unknown) {
    if (rules != nullptr && rules->trace(parked, low, high, trace)) {
      return;
    }
    gossamer_walk_from(parked, [](void* t) { trace_here(*static_cast<stack_trace*>(t)); }, &trace);
    return;
  }
  if (known.frame_pointer != 0) {
    follow_frame_pointers(word_at(parked, known.frame_pointer), low, high, trace);
  }
}

void trace_kept(const kept_frame& frame, stack_trace& trace) noexcept {
  trace.depth = 0;
  trace.whole = false;
  gossamer_walk_kept(&frame, [](void* t) { trace_here(*static_cast<stack_trace*>(t)); }, &trace);
}

const void* interrupted_stack_pointer(const void* handler_argument) noexcept {
#if defined(__x86_64__)
  const auto* const all = static_cast<const ucontext_t*>(handler_argument);
  return reinterpret_cast<const void*>(all->uc_mcontext.gregs[REG_RSP]);
#else
  return nullptr;
#endif
}

std::span<const long long> interrupted_registers([[maybe_unused]] const void* handler_argument) noexcept {
#if defined(__x86_64__)
  return static_cast<const ucontext_t*>(handler_argument)->uc_mcontext.gregs;
#else
  return {};
#endif
}

const void* interrupted_instruction([[maybe_unused]] const void* handler_argument) noexcept {
#if defined(__x86_64__)
  return reinterpret_cast<const void*>(static_cast<const ucontext_t*>(handler_argument)->uc_mcontext.gregs[REG_RIP]);
#else
  return nullptr;
#endif
}

bool is_at_system_call([[maybe_unused]] const void* instruction) noexcept {
#if defined(__x86_64__)
  const auto is_call = [](const unsigned char* at) { return at[0] == 0x0f && at[1] == 0x05; };
  const auto* const at = static_cast<const unsigned char*>(instruction);
  return is_call(at - 2) || is_call(at);  // the second where the call is to be made again
#else
  return false;
#endif
}

}  // namespace gossamer::inline v0::machine
