// sending: what is written by one operation, in as many system calls as it takes.
//
// Where the kernel has no memory for what is to be sent, time passes before it is asked again, and at last it is given
// up. Source: none of Go's, which fails at once.
#pragma once

#include <cassert>
#include <chrono>

#include "net/fd.hpp"

namespace gossamer::inline v0::net {

class shortage {
 public:
  static bool is(ssize_t result) noexcept { return result == -ENOBUFS || result == -ENOMEM; }
  // False: it has lasted for too long.
  bool may_pass() const noexcept { return pause_ <= longest; }
  detail::deadline next() noexcept {
    assert(may_pass());
    const detail::deadline until = detail::after(detail::now(), std::chrono::nanoseconds(pause_));
    pause_ *= 2;
    return until;
  }

 private:
  static constexpr detail::deadline longest = 128'000'000;
  detail::deadline pause_ = 1'000'000;
};

// Lies on its caller's stack. From the first take() on nobody else's write comes between, until it fails, or it goes.
class sending {
 public:
  sending(fd& f, const ending& end, const std::source_location& where) noexcept : op_(f, way::out, end, where) {}
  sending(const sending&) = delete;
  sending& operator=(const sending&) = delete;
  ~sending() {
    if (took_ && !why_) {
      op_.done(false);
    }
  }

  // Calls attempt(), which returns as result_of(), until the kernel takes something: how much. -1 where it takes
  // nothing any more, and why() tells; then it has ended.
  template <class Attempt>
  ssize_t take(const char* call, Attempt attempt) {
    if (!begun_) {
      begun_ = true;
      why_ = op_.next();
    }
    while (!why_) {
      const ssize_t n = attempt();
      if (n >= 0) {
        took_ = true;
        return n;
      }
      if (n == -EAGAIN) {
        why_ = op_.next();
      } else if (shortage::is(n) && lack_.may_pass()) {
        why_ = op_.pause(lack_.next());
      } else if (n != -EINTR) {
        op_.done(false);
        why_ = trouble::of(call, static_cast<int>(-n));
      }
    }
    return -1;
  }
  const trouble& why() const noexcept { return why_; }

 private:
  operation op_;
  shortage lack_;
  trouble why_;
  bool begun_ = false;
  bool took_ = false;
};

}  // namespace gossamer::inline v0::net
