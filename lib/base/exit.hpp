// exit: how runtime::goexit() leaves a fiber: by an exception of its own type, which is no std::exception.
#pragma once

#include "gossamer/detail/config.hpp"

namespace gossamer::inline v0::base {

// Whoever lets it end before it has reached the fiber's entry has swallowed it: fatal.
class GOSSAMER_API fiber_exit {
 public:
  fiber_exit() noexcept = default;
  fiber_exit(const fiber_exit&) noexcept : arrived_(true) {}  // a copy is nobody's way out
  fiber_exit& operator=(const fiber_exit&) = delete;
  ~fiber_exit();
  void arrive() noexcept { arrived_ = true; }

 private:
  bool arrived_ = false;
};

}  // namespace gossamer::inline v0::base
