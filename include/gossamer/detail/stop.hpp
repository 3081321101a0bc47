// stop: the seam through which a wait is ended from outside. A stop is not set, and then set for good; a blocking call
// that takes one returns when it is. It is the receiving side of a channel that is closed: a context's done().
#pragma once

#include <cstdint>

#include "relaxed.hpp"
#include "spin_lock.hpp"
#include "wait_list.hpp"

namespace gossamer::inline v0 {

namespace detail {

struct stop_core {
  spin_lock guard;
  relaxed<bool> closed = false;  // never becomes false again
  std::uint32_t bubble = 0;      // number() of the sched::bubble that it was made in; 0: in none
  wait_list receivers;           // while guard is free and closed: empty
};

}  // namespace detail

namespace wait {

// Refers to a stop, or to none (which is never set). The caller keeps what it refers to alive.
class stop {
 public:
  constexpr stop() noexcept = default;
  explicit constexpr stop(detail::stop_core* core) noexcept : core_(core) {}

  // acquire: what came before the stop was set is seen.
  bool is_set() const noexcept { return core_ != nullptr && core_->closed.load_acquire(); }
  detail::stop_core* core() const noexcept { return core_; }

 private:
  detail::stop_core* core_ = nullptr;
};

}  // namespace wait

}  // namespace gossamer::inline v0
