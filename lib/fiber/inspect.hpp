// inspect: how an inspector holds fibers that are not running, without stopping anything.
//
// Resuming a fiber stores `running` plainly and then loads one global word, `attention`. An inspector sets the bit
// `inspecting` and calls membarrier once a batch: after that every resumer that has not seen the bit has made its store
// visible. Then it holds fibers one by one: it marks the record and looks at the state again; a resumer that sees the
// bit looks at the mark again. One of them sees the other (Dekker). A fiber that was resumed while it was held is left
// to the inspector, which readies it when it lets go.
#pragma once

#include <atomic>
#include <cstdint>

#include "fiber/fiber.hpp"

namespace gossamer::inline v0 {

// Non-zero where resuming a fiber must take the slow path: an inspector is at work, or the workers are to
// stop.
using attention_word = std::atomic<std::uint32_t>;
inline constexpr std::uint32_t attention_inspecting = 1;
inline constexpr std::uint32_t attention_stop = 2;
extern attention_word attention;

// A resumer's slow path, after it has stored `running`: true if the fiber may run; false if an inspector holds it and
// will ready it.
bool resume_beside_inspector(fiber& f) noexcept;

// An inspector: one at a time in the process; others wait.
class inspector {
 public:
  inspector();
  inspector(const inspector&) = delete;
  inspector& operator=(const inspector&) = delete;
  ~inspector();

  // True if f is the fiber `id` and is not running: its record and its stack do not change until release(), which must
  // follow in either case.
  bool hold(fiber& f, std::uint64_t id) noexcept;
  // Lets f go. True if it was resumed meanwhile: the caller must make it ready.
  [[nodiscard]] bool release(fiber& f) noexcept;
};

}  // namespace gossamer::inline v0
