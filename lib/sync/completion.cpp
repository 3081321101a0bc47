// completion: see gossamer/detail/completion.hpp.
#include "gossamer/detail/completion.hpp"

#include "fiber/fiber.hpp"
#include "sched/park.hpp"
#include "sync/blocking.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::detail {

void completion::finish() noexcept {
  guard_.lock();
  finished_.store_release(true);
  const waiter* const w = wait::claim_first(waiters_);  // P4
  fiber* const f = w != nullptr ? w->its->owner : nullptr;
  guard_.unlock();  // P7
  if (f != nullptr) {
    sched::ready(f);  // P5
  }
}

bool completion::wait(deadline until, wait::stop ended, const std::source_location& where) {
  if (until != no_deadline) {
    sched::prepare_deadline();
  }
  lock_word& word = *guard_.held().word;
  guard_.lock();
  if (finished_) {
    guard_.unlock();
    return true;
  }
  sync::blocking mine(until, ended, word, 0, wait_reason::io_wait);  // P1
  if (!mine.may_park()) {
    guard_.unlock();
    return false;
  }
  wait::push_back(waiters_, mine.self());  // P2
  if (mine.park(word, 0, wait_reason::io_wait, this, where)) {
    return true;
  }
  guard_.lock();
  wait::remove(waiters_, mine.self());  // P6
  const bool meanwhile = finished_;
  guard_.unlock();
  return meanwhile;
}

void check_may_wait() {
  sched::current_to_park(wait_reason::io_wait, [] {});
}

}  // namespace gossamer::inline v0::detail
