// callers: the caller's own stack as addresses, and what they are. Source: Go's runtime.Callers and CallersFrames.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "detail/config.hpp"
#include "detail/owner.hpp"

namespace gossamer::inline v0::runtime {

// Fills `to` with return addresses of the calling fiber's (or plain thread's) stack, innermost first, and returns how
// many they are: of a deeper stack the innermost. The first `skip` are left out: 0 is callers() itself, 1 the function
// that calls it. Addresses only: some 10 to 100 ns each, and nothing is allocated. A function that was inlined has no
// address of its own, and does not count for `skip`. Not in a signal handler.
// Source: Go's runtime.Callers. Differs: there a function that was inlined counts.
[[gnu::noinline]] GOSSAMER_API std::size_t callers(int skip, std::span<const void*> to) noexcept;

// A call: what an address of callers() is.
struct frame {
  const void* pc = nullptr;     // the address; that of the function into which this one was inlined, if it was
  const void* entry = nullptr;  // where the function at `pc` begins; null: not known
  std::string function;         // as in reports; empty: not known
  std::string file;             // the source file, or, where that is not known (line 0), the module; empty: not known
  int line = 0;
};

// What addresses are, one frame after the other. Moves; for one fiber at a time.
class GOSSAMER_API frames {
 public:
  frames() noexcept;
  frames(frames&& other) noexcept;
  frames& operator=(frames&& other) noexcept;
  ~frames();

  // The next frame, and whether there is one after it. A function that was inlined has one of its own, and one that
  // carries a call from the library to the program has none, as in reports (GOSSAMER=traceback=all,raw shows it). At
  // the end an empty frame and false. The first call looks them all up: some 0.1 s for the first of a large program,
  // on the worker. Throws std::bad_alloc.
  std::pair<frame, bool> next();

 private:
  struct looked_up;
  friend frames callers_frames(std::span<const void* const> addresses);
  explicit frames(looked_up* of) noexcept;

  detail::owner<looked_up> its_;
};

// Copies the addresses. For those of callers(). Throws std::bad_alloc.
//   const void* stack[32];
//   auto f = runtime::callers_frames({stack, runtime::callers(1, stack)});
//   for (bool more = true; more;) {
//     runtime::frame one;
//     std::tie(one, more) = f.next();
//     …
//   }
[[nodiscard]] GOSSAMER_API frames callers_frames(std::span<const void* const> addresses);

}  // namespace gossamer::inline v0::runtime
