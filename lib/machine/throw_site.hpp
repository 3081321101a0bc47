// throw_site: sees an exception that is about to leave a fiber while the stack that threw it is still whole.
//
// The search phase of an exception walks up to the frame that will handle it. call_watched() is a frame with a
// personality routine of its own, right below the fiber's last handler: it is asked only for what nobody has caught.
// Rejected: `noexcept`, or a look in the handler: both come when the stack has been unwound (clang at once, g++ behind
// the first destructor).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>

#include "gossamer/detail/trace_reference.hpp"
#include "machine/address_list.hpp"

namespace gossamer::inline v0::machine {

// How many trace_references there are. A copy of a trace has none.
struct handle_count {
  handle_count() noexcept = default;
  handle_count(const handle_count&) noexcept {}
  handle_count& operator=(const handle_count&) noexcept { return *this; }
  std::atomic<std::uint32_t> number{0};
};

// Return addresses, innermost first: all, or the first and the last `half` of them.
struct stack_trace {
  static constexpr std::size_t half = 50;

  std::array<void*, half> inner;
  std::array<void*, half> outer;  // a ring, filled when `inner` is full
  std::size_t depth = 0;
  void* exception = nullptr;  // the _Unwind_Exception that was about to leave
  bool whole = false;         // it reaches back to the fiber's first function
  mutable handle_count handles;

  void add(void* address) noexcept {
    (depth < half ? inner[depth] : outer[(depth - half) % half]) = address;
    ++depth;
  }
  void clear() noexcept {
    depth = 0;
    whole = false;
  }
  static constexpr bool full() noexcept { return false; }
  void end() noexcept { whole = true; }
  std::size_t size() const noexcept { return depth < 2 * half ? depth : 2 * half; }
  std::size_t elided() const noexcept { return depth - size(); }
  // i < size(); those from `half` on come after the elided ones.
  void* at(std::size_t i) const noexcept {
    return i < half ? inner[i] : outer[(elided() > 0 ? depth - half + (i - half) : i - half) % half];
  }
};

// Calls body(argument). If an exception is about to leave it, *site becomes the trace of where it was thrown, from the
// heap; null where there is no memory or, for now, on other processors than x86-64. Costs nothing otherwise.
void call_watched(void (*body)(void*), void* argument, stack_trace** site);

// The same for a call somewhere inside of that one, whose caller handles what leaves it, and may throw it on later.
void call_watched_inside(void (*body)(void*), void* argument, stack_trace** site);

// Throws e again. Where it is seen leaving, it was thrown where `site` says (null: here).
[[noreturn]] void rethrow_from(const std::exception_ptr& e, detail::trace_reference site);

// For the destructors that an exception runs on its way: what is known of it, if it is about to leave a watched call;
// else null.
const stack_trace* exception_on_its_way() noexcept;

// Adds the frames of the caller, up to that of call_watched(); in a signal handler those that it interrupted, and then
// true is returned.
bool trace_here(stack_trace& trace) noexcept;
// The same, beginning with its own frame.
void trace_here(address_list& list) noexcept;

}  // namespace gossamer::inline v0::machine
