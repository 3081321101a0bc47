// stop: how a wait on an object ends when a stop is set: a second waiter with the same ticket, in the stop's queue.
#pragma once

#include "gossamer/detail/spin_lock.hpp"
#include "gossamer/detail/stop.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::wait {

class stop_waiter {
 public:
  stop_waiter(const stop& s, ticket& t) noexcept : core_(s.core()), self_(t, &nothing_) {}
  stop_waiter(const stop_waiter&) = delete;
  stop_waiter& operator=(const stop_waiter&) = delete;

  // P2, where the object's lock is held: false if the stop is set already. Otherwise the stop's guard is held too (it
  // comes after every object's), and is for park() to release.
  bool push() noexcept {
    if (core_ == nullptr) {
      return true;
    }
    core_->guard.lock();
    if (core_->closed) {
      core_->guard.unlock();
      return false;
    }
    push_back(core_->receivers, self_);
    return true;
  }
  // Whether there is a lock to release, and which.
  bool holds() const noexcept { return core_ != nullptr; }
  detail::held_lock held() noexcept { return core_->guard.held(); }

  // After park(): whether the stop has ended the wait.
  bool fired() const noexcept { return self_.its->winner == &self_; }
  // P6: leaves the stop's queue, if it has not fired.
  void withdraw() noexcept {
    if (core_ != nullptr && !fired()) {
      core_->guard.lock();
      remove(core_->receivers, self_);
      core_->guard.unlock();  // P7
    }
  }

 private:
  detail::stop_core* const core_;
  char nothing_ = 0;  // room for what a channel that is used against the rules may send
  detail::waiter self_;
};

}  // namespace gossamer::inline v0::wait
