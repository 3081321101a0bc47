// turn: whose turn it is at an object that serves one at a time, while others stand in line. Guarded by the object's
// lock. A turn ends with the run() of the fiber that has it: one that was abandoned would never give it back.
#pragma once

#include <cstdint>

#include "run_number.hpp"

namespace gossamer::inline v0::detail {

class turn {
 public:
  bool is_taken() const noexcept { return taken_ && !detail::is_abandoned(run_number_); }
  // Its holder was abandoned, and nobody has taken it since.
  bool is_abandoned() const noexcept { return taken_ && detail::is_abandoned(run_number_); }
  // By the calling fiber or thread, which found it free, or to which it was handed on.
  void take() noexcept {
    taken_ = true;
    run_number_ = own_run_number();
  }
  // By its holder, to one who waits for it, and may never know: with the number of his run(), 0 for a plain thread.
  void hand_on(std::uint32_t run_number) noexcept { run_number_ = run_number; }
  void give_back() noexcept { taken_ = false; }

 private:
  bool taken_ = false;
  std::uint32_t run_number_ = 0;
};

}  // namespace gossamer::inline v0::detail
