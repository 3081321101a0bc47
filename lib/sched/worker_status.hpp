// worker_status: what a worker's thread is at, as far as the others must know; what the monitor remembers of it; and,
// while its fiber is in an announced blocking call, where that began.
//
// The duty: its own thread makes `blocking` of any other and, if nobody has noticed, `working` again; every other
// change is made under the monitor's guard. `is_hog` counts only while stuck.
#pragma once

#include <atomic>
#include <cassert>
#include <cstdint>

#include "gossamer/detail/deadline.hpp"
#include "gossamer/detail/resched.hpp"
#include "machine/walk.hpp"

namespace gossamer::inline v0::sched {

enum class duty : std::uint8_t {
  working,
  blocking,  // in an announced blocking call
  replaced,  // the same, and another worker stands in for it
  stuck,     // has not switched for long, and another worker stands in for it
  // blocking, and an inspector looks at its fiber's stack: the call's end waits for that. Only while somebody has the
  // monitor's guard
  inspected,
};

// What the monitor remembers of a worker from one look to the next.
struct duty_view {
  std::uint32_t switches = 0;
  std::uint32_t calls = 0;
  std::uint32_t polls = 0;
  detail::deadline since = 0;     // when it was first seen so
  detail::deadline cpu_time = 0;  // of its thread, then
  detail::deadline asked_at = 0;  // when its fiber was asked to give way; 0: it was not
  detail::deadline cpu_time_when_asked = 0;
};

class worker_status {
 public:
  worker_status() noexcept = default;
  worker_status(const worker_status&) = delete;
  worker_status& operator=(const worker_status&) = delete;

  // -- by anyone --

  duty now() const noexcept { return duty_.load(); }
  // The same as a hint. relaxed: whoever is missed is seen the next time.
  duty seems() const noexcept { return duty_.load(std::memory_order_relaxed); }
  // Its fiber is in an announced blocking call. relaxed: a hint.
  bool in_call() const noexcept {
    const duty d = seems();
    return d == duty::blocking || d == duty::replaced || d == duty::inspected;
  }
  // How often a call has begun or ended. relaxed: a count.
  std::uint32_t calls() const noexcept { return calls_.load(std::memory_order_relaxed); }
  // A fiber is locked to its thread. relaxed: a hint, but under the monitor's guard.
  bool is_pinned() const noexcept { return pinned_.load(std::memory_order_relaxed); }
  // Takes back what request_resched() has asked for; false if there was nothing.
  bool end_request() noexcept { return take_request() != 0; }
  // The same by the fiber that has run since so many switches; whether it is the one that was asked.
  bool grant_request(std::uint32_t switches) noexcept { return take_request() == request_of(switches); }
  // Another worker stands in for it, or counts in its place.
  bool is_away() const noexcept {
    const duty d = now();
    return d == duty::replaced || d == duty::stuck || is_pinned();
  }

  // -- by its thread --

  // A call begins, at `caller` (null where that is not known). Returns what it was at until now: if that is `blocking`
  // or `inspected` it is in a call already, and nothing has changed.
  duty begin_call(const machine::kept_frame* caller) noexcept {
    count_call();
    // relaxed: only this thread begins and ends calls.
    if (const duty d = seems(); d == duty::blocking || d == duty::inspected) {
      return d;
    }
    if (caller != nullptr) {
      call_frame_ = *caller;  // published by the exchange
    }
    // seq_cst: what the fiber did before is not moved into the call.
    return duty_.exchange(duty::blocking);
  }
  // The call ends: `working` if that was all. Otherwise what it is at still, and nothing has changed: `inspected`, the
  // caller waits and tries again; `replaced`, it comes back through the monitor; `stuck`, it was in no call.
  duty end_call() noexcept {
    duty seen = duty::blocking;
    return duty_.compare_exchange_strong(seen, duty::working) ? duty::working : seen;
  }
  void count_call() noexcept {
    calls_.store(calls_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);  // only its thread writes it
  }
  // In a forked child: the call's end takes the slow path.
  void become_forked_child() noexcept {
    if (in_call()) {
      duty_.store(duty::replaced);
    }
  }

  // -- under the monitor's guard --

  // Another stands in for it from now on, if it still is at `from`, which is `working` or `blocking`.
  bool replace(duty from, bool computes, std::uint32_t switches) noexcept {
    assert(from == duty::working || from == duty::blocking);
    if (!duty_.compare_exchange_strong(from, from == duty::blocking ? duty::replaced : duty::stuck)) {
      return false;
    }
    is_hog_ = computes;
    switches_when_replaced_ = switches;
    return true;
  }
  // Somebody stands in for it already; now it is in a call.
  void replace_in_call(std::uint32_t switches) noexcept {
    duty_.store(duty::replaced);
    switches_when_replaced_ = switches;
  }
  // It is not at `from` any more.
  bool settle(duty from) noexcept { return duty_.compare_exchange_strong(from, duty::working); }
  void back_to_work() noexcept { duty_.store(duty::working); }
  // Replaced, and has run a fiber since.
  bool has_left_call(std::uint32_t switches) const noexcept { return switches != switches_when_replaced_; }
  bool is_hog() const noexcept { return now() == duty::stuck && is_hog_; }
  void set_pinned(bool pinned) noexcept { pinned_.store(pinned, std::memory_order_relaxed); }
  // The call does not end before end_inspection(). Returns what it was at: only `blocking` is held so.
  duty inspect() noexcept {
    // seq_cst: the frame that the call's begin has kept is seen.
    duty seen = duty::blocking;
    duty_.compare_exchange_strong(seen, duty::inspected);
    return seen;
  }
  void end_inspection() noexcept { duty_.store(duty::blocking); }
  // Where the call began that it is in; by an inspector, who holds it.
  const machine::kept_frame& call_frame() const noexcept { return call_frame_; }

  // By the monitor: the fiber that has run since so many switches is to give way at its next call that may block.
  // relaxed: a hint.
  void request_resched(std::uint32_t switches) noexcept {
    if (request_.load(std::memory_order_relaxed) == 0) {
      detail::resched_requests.fetch_add(1, std::memory_order_relaxed);
      request_.store(request_of(switches), std::memory_order_relaxed);
    }
  }
  // The monitor's own.
  duty_view& last_look() noexcept { return last_look_; }

 private:
  static constexpr std::uint64_t request_of(std::uint32_t switches) noexcept {
    return std::uint64_t{1} << 32 | switches;
  }
  // relaxed: a hint.
  std::uint64_t take_request() noexcept {
    std::uint64_t taken = request_.load(std::memory_order_relaxed);
    if (taken != 0) {
      taken = request_.exchange(0, std::memory_order_relaxed);
    }
    if (taken != 0) {
      detail::resched_requests.fetch_sub(1, std::memory_order_relaxed);
    }
    return taken;
  }

  std::atomic<duty> duty_{duty::working};
  std::atomic<bool> pinned_{false};
  std::atomic<std::uint64_t> request_{0};  // as request_of() has it; 0: none
  bool is_hog_ = false;
  std::atomic<std::uint32_t> calls_{0};
  std::uint32_t switches_when_replaced_ = 0;
  machine::kept_frame call_frame_{};
  duty_view last_look_;
};

}  // namespace gossamer::inline v0::sched
