// fd: a file descriptor that fibers read from and write to: one of the poller's descriptors, who is using it, and when
// they give up. Source: Go's internal/poll.FD and fdMutex. Differs: one lock for all of it, the descriptor's own, and a
// deadline is no timer: it is the deadline with which whoever waits has parked. So setting one stores it; only one that
// is earlier than that with which somebody waits wakes him, to look anew. Who was woken by a time that is none any more
// waits on.
//
// There are two ways, in and out. An operation first takes its way for itself (those that find it taken stand in line),
// so that two writes do not come between each other. Then it tries; where that would block it waits on the descriptor.
//
// The number is closed by the last user who leaves a descriptor that has been closed: until then no system call can
// meet another's. Whoever closes it waits for that; but not for those that wait themselves, since they will do no more
// calls.
//
// Every call is made through a handle that keeps the fd alive, so what is done after the guard is free may touch it.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <source_location>

#include "event/poller.hpp"
#include "gossamer/detail/deadline.hpp"
#include "gossamer/detail/spin_lock.hpp"
#include "gossamer/detail/turn.hpp"
#include "gossamer/detail/wait_list.hpp"
#include "gossamer/net/error.hpp"
#include "net/trouble.hpp"
#include "net/waiting.hpp"

namespace gossamer::inline v0::net {

enum class way : std::uint8_t { in, out };

// This thread's errno. Compilers take its address for constant, and keep it across a park, behind which the fiber may
// be on another thread: so it is found out of line.
int own_errno() noexcept;

// A system call's result is its own, or the errno as a negative number: errno itself does not survive a park.
inline ssize_t result_of(ssize_t r) noexcept { return r >= 0 ? r : -own_errno(); }

// While so much is copied more may come: then it is looked for at once, though there was less than there could be.
inline constexpr std::size_t much = std::size_t{1} << 13;

// After so many operations that have not waited the fiber lets others run. Where the kernel always has something, at
// some 100 us each, that is before the monitor sets somebody to work in its place (10 ms), whom then each event would
// wake. Source: none of Go's, which preempts; tokio's budget is of the kind.
inline constexpr unsigned most_unwaited = 64;

// Source: Go's limit: some systems fail above it.
inline constexpr std::size_t most_at_once = std::size_t{1} << 30;

class fd {
 public:
  fd() noexcept = default;
  fd(const fd&) = delete;
  fd& operator=(const fd&) = delete;
  // Closes it, if nobody has. Nobody uses it.
  ~fd();

  // Takes over the number, which must not block. `stream`: a read that gets less than it could has exhausted it.
  // Where that is refused the number stays the caller's. Once, before all else.
  trouble open(int number, bool stream) noexcept;

  // While nobody has closed it.
  int number() const noexcept { return number_; }
  bool is_stream() const noexcept { return stream_; }

  // Ends what waits, refuses what is to come, and waits until the number is free again.
  trouble close();
  // The same, but the number is the caller's: -1 if it has been closed.
  int release();

  trouble set_deadline(bool in, bool out, detail::deadline when) noexcept;
  // close() may wait for what the peer has not taken yet: it is a blocking call.
  void closes_slowly(bool yes) noexcept { closes_slowly_ = yes; }
  // close() takes it out of the poller's set first, which is one system call more. For one whose address is to be free,
  // and whose peers are to hear that it has gone, when close() returns, a listener's, say: a poll of the set that looks
  // at the file at that moment keeps it alive for a little (from Linux 6.10 on). And for one of whose file others may
  // have descriptors: then closing this number does not take it out of the set. From anywhere.
  void leaves_set_first() noexcept {
    leaves_set_first_.store(true, std::memory_order_relaxed);  // relaxed: as closes_slowly()
  }

  // What becomes of an operation that has nothing to do, whatever its deadline. Source: Go's FD.Read.
  trouble if_closed() noexcept;
  // Whether an operation fails that would begin now, be there anything to do or not.
  trouble prospect(way w, const wait::stop& s) noexcept;

  // A use that does not wait: false if it has been closed. A use ends with leave().
  bool use() noexcept;
  void leave() noexcept;

 private:
  friend class operation;

  struct lane {
    detail::turn turn;      // who has it holds the way
    unsigned unwaited = 0;  // so many operations in a row have not waited
    bool evicted = false;   // close() has found its holder waiting, and does not wait for him
    detail::wait_list line;
    detail::wait_list pausing;  // the holder, if he waits for a time only
    detail::deadline until = detail::no_deadline;
    // With which the holder waits, if he does.
    detail::deadline waits_until = detail::no_deadline;
  };

  // From open() on.
  detail::spin_lock& guard() noexcept {
    assert(descriptor_ != nullptr);
    return descriptor_->guard;
  }
  lane& lane_of(way w) noexcept { return w == way::in ? in_ : out_; }
  const lane& lane_of(way w) const noexcept { return w == way::in ? in_ : out_; }
  event::descriptor::direction& direction_of(way w) noexcept {
    return w == way::in ? descriptor_->in : descriptor_->out;
  }
  trouble shut(bool keep_number);
  void evict(lane& l, detail::wait_list& waiters, fiber_list& woken) noexcept;
  void take(lane& l) noexcept;
  void forget_abandoned(lane& l) noexcept;
  bool one_less() noexcept;
  void check_invariants() noexcept;
  void give_number_back() noexcept;
  void await_number();
  trouble prospect_under_guard(way w, const wait::stop& s) const noexcept;

  event::descriptor* descriptor_ = nullptr;
  int number_ = -1;
  bool stream_ = false;
  std::atomic<bool> closes_slowly_{false};
  std::atomic<bool> leaves_set_first_{false};
  // Guarded by guard(). Nobody waits on descriptor_->in who has not taken in_, and so for out.
  lane in_;
  lane out_;
  unsigned users_ = 0;  // who has taken a way, and uses
  bool closed_ = false;
  bool keeps_number_ = false;
  bool gone_ = false;  // the number is closed, or given away
  detail::wait_list closers_;
};

// One read, write, accept or connect. Lies on its caller's stack.
//
//   operation op(fd, way::in, end, where);
//   while (!(t = op.next())) { try; return unless it would block; }
class operation {
 public:
  operation(fd& f, way w, const ending& end, const std::source_location& where) noexcept
      : fd_(f), way_(w), stop_(end.stop()), where_(where) {}
  operation(const operation&) = delete;
  operation& operator=(const operation&) = delete;
  ~operation() {
    if (inside_) {
      leave();
    }
  }

  // Takes the way, at first; waits until a try makes sense, and then a try has begun. Again after a try that would have
  // blocked. Called from one place, it shows all that wait there as one group.
  trouble next();
  // A try did not block; `exhausted`: it took all that was there. The way is free for others.
  void done(bool exhausted) noexcept {
    assert(inside_);
    exhausted_ = exhausted;
    tried_ = true;
    leave();
  }
  // All of it: calls attempt(), which returns as result_of(), until it neither would block nor was interrupted. -1 and
  // a trouble otherwise. `shorter`: less than that exhausts a stream.
  template <class Attempt>
  ssize_t perform(trouble& t, const char* call, std::size_t shorter, Attempt attempt) {
    for (;;) {
      t = next();
      if (t) {
        return -1;
      }
      ssize_t n = 0;
      do {
        n = attempt();
      } while (n == -EINTR);
      if (n != -EAGAIN) {
        done(fd_.is_stream() && n > 0 && static_cast<std::size_t>(n) < std::min(shorter, much));
        if (n >= 0) {
          return n;
        }
        t = trouble::of(call, static_cast<int>(-n));
        return -1;
      }
    }
  }
  // Waits, for what is not a matter of the descriptor, until `when`, or for whatever else ends the operation.
  trouble pause(detail::deadline when);

 private:
  trouble begin();
  trouble again();
  trouble look() const noexcept { return fd_.prospect_under_guard(way_, stop_); }
  trouble await_ready();
  trouble wait_as_holder(detail::wait_list& list, detail::deadline until);
  void leave() noexcept;

  fd& fd_;
  const way way_;
  bool inside_ = false;
  bool tried_ = false;
  bool exhausted_ = false;
  const wait::stop stop_;
  const std::source_location& where_;
};

}  // namespace gossamer::inline v0::net
