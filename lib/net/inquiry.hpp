// inquiry: a question to the system's resolver, in a fiber of its own. Who asks waits for no longer than its limits
// allow; the call goes on by itself then, and nobody waits for it.
#pragma once

#include <cassert>
#include <mutex>
#include <string>
#include <utility>

#include "fiber/fiber_list.hpp"
#include "gossamer/detail/counted.hpp"
#include "gossamer/detail/spawn.hpp"
#include "gossamer/detail/spin_lock.hpp"
#include "gossamer/detail/wait_list.hpp"
#include "gossamer/runtime.hpp"
#include "net/socket.hpp"
#include "sched/park.hpp"
#include "sched/wait_on.hpp"

namespace gossamer::inline v0::net {

template <class Answer>
class inquiry : public detail::counted {
 public:
  // Once. A trouble if `l` ended it; a handle is held meanwhile.
  trouble await(const limits& l, Answer& what) {
    detail::reference<inquiry> held(this);
    detail::spawn_closure(detail::spawn_begin(0), [held] { held->ask(); });
    guard_.lock();
    assert(waiters_.empty());
    for (preparation p; !done_;) {
      if (!p.may_wait(l.until, guard_)) {
        continue;
      }
      const sched::wait_result how = sched::wait_on(waiters_, guard_,
                                                    {.reason = wait_reason::io_wait,
                                                     .object = this,
                                                     .where = l.where,
                                                     .limit = wait::limit::of(l.until, l.end.stop())});
      if (!sched::through_object(how)) {
        return {how == sched::wait_result::timed_out ? trouble::kind::timed_out : trouble::kind::ended};
      }
      guard_.lock();
    }
    what = std::move(answer_);
    guard_.unlock();
    return {};
  }

 private:
  // Makes the call, which blocks the thread.
  virtual Answer answer() const = 0;

  void ask() {
    Answer a = runtime::blocking([this] { return answer(); });
    fiber_list woken;
    {
      const std::scoped_lock hold(guard_);
      assert(!done_);
      answer_ = std::move(a);
      done_ = true;
      claim_all(waiters_, woken);
    }
    sched::ready_all(woken);
  }

  detail::spin_lock guard_;
  // Guarded by guard_.
  detail::wait_list waiters_;
  bool done_ = false;
  Answer answer_;
};

// Why there is no answer.
struct refusal {
  int problem = 0;  // EAI_...
  int code = 0;     // errno, for EAI_SYSTEM
};

// `call`: which one was made, a literal. `nothing_found`: what it is that there is none such.
error dns_failure(const char* call, std::string name, const refusal& why, const error& nothing_found);
extern const errors::sentinel no_such_host;  // no such host

// Before anybody is asked: whether the limits have come.
trouble over_already(const limits& l) noexcept;

}  // namespace gossamer::inline v0::net
