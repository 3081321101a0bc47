// completion: that something which was started elsewhere has ended. It ends once, and one fiber or thread waits for it.
#pragma once

#include <source_location>

#include "../limit.hpp"
#include "config.hpp"
#include "relaxed.hpp"
#include "spin_lock.hpp"
#include "wait_list.hpp"

namespace gossamer::inline v0::detail {

class GOSSAMER_API completion {
 public:
  constexpr completion() noexcept = default;
  completion(const completion&) = delete;
  completion& operator=(const completion&) = delete;

  // Once, from anywhere, also where nothing may park. Whoever waits may destroy the object as soon as it returns.
  // finish() happens-before the true return of wait(), and before a finished() that says so.
  void finish() noexcept;
  // acquire: pairs with the release in finish(). The object may not be destroyed on account of it: finish() may still
  // be at work.
  bool finished() const noexcept { return finished_.load_acquire(); }
  // Parks the fiber (blocks the thread) until finish(): true. False once the limit has come, if it is not finished by
  // then. Panics where nothing may park. Throws std::bad_alloc where there is no memory for the timer.
  bool wait(wait::limit limit, const std::source_location& where);

 private:
  spin_lock guard_;
  wait_list waiters_;  // while guard_ is free and finished_: empty
  relaxed<bool> finished_ = false;
};

// Panics, as completion::wait() would, where nothing may park: before something is started that must be waited for.
GOSSAMER_API void check_may_wait();

// What tells one fiber from all others that are alive; null outside fibers.
GOSSAMER_API const void* running_fiber() noexcept;

}  // namespace gossamer::inline v0::detail
