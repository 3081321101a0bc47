// held_call: how an inspector keeps a fiber where it is, in an announced blocking call.
#pragma once

#include <mutex>

#include "sched/monitor.hpp"

namespace gossamer::inline v0::sched {

class worker;

// While it lives the fiber that is in the worker's announced call does not come back from it. An inspector's, who holds
// the fiber besides (fiber/inspect.hpp): one that has parked in its call, as it may, could come back elsewhere.
class held_call {
 public:
  held_call(monitor& m, worker& w) noexcept;
  held_call(const held_call&) = delete;
  held_call& operator=(const held_call&) = delete;
  ~held_call();
  // Whether it is in a call.
  explicit operator bool() const noexcept { return was_ != duty::working; }

 private:
  std::unique_lock<std::mutex> hold_;
  worker& of_;
  duty was_ = duty::working;
};

}  // namespace gossamer::inline v0::sched
