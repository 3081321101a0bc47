// semaphore: see gossamer/semaphore.hpp.
// Source: golang.org/x/sync/semaphore. Differs: a waiter lies on its stack and has a cond for itself, so that waiting
// allocates nothing.
#include "gossamer/semaphore.hpp"

#include <cassert>
#include <mutex>

#include "gossamer/chan.hpp"
#include "gossamer/detail/completion.hpp"
#include "gossamer/detail/run_number.hpp"
#include "gossamer/panic.hpp"
#include "gossamer/sync/cond.hpp"

namespace gossamer::inline v0::semaphore {

struct weighted::waiter {
  const std::int64_t n;
  const std::uint32_t run_number = detail::own_run_number();
  sync::cond granted_it{};
  bool granted = false;
  waiter* next = nullptr;
  waiter* previous = nullptr;
};

namespace {

void check(std::int64_t n) {
  if (n < 0) {
    panic("semaphore: negative weight");
  }
}

}  // namespace

error weighted::acquire(const context::context& ctx, std::int64_t n, std::source_location where) {
  check(n);
  const wait::stop ended = ctx;
  std::unique_lock lock(mu_);
  if (ended.is_set()) {  // whenever that was: the tokens may be there by what came after it
    lock.unlock();
    return ctx.err();
  }
  if (take(n)) {
    return nullptr;
  }
  if (n > size_) {
    lock.unlock();
    ctx.done().recv(where);
    return ctx.err();
  }
  detail::check_may_wait();  // or it would leave a waiter in the queue that is gone
  waiter self{.n = n};
  waiters_.push(self);
  while (!self.granted && !ended.is_set()) {
    self.granted_it.wait_until(mu_, ended, where);
  }
  (self.granted ? granted_ : waiters_).remove(self);
  if (!ended.is_set()) {
    return nullptr;
  }
  if (self.granted) {
    taken_ -= n;  // at the same time: as if it had not been
  }
  grant();
  return ctx.err();
}

bool weighted::try_acquire(std::int64_t n) {
  check(n);
  const detail::held lock(mu_);
  return take(n);
}

void weighted::release(std::int64_t n) {
  check(n);
  const detail::held lock(mu_);
  if (n > taken_) {
    panic("semaphore: released more than held");
  }
  taken_ -= n;
  grant();
}

// If there are enough and nobody waits.
bool weighted::take(std::int64_t n) noexcept {
  if (size_ - taken_ < n || waiters_.first != nullptr) {
    forget_abandoned();
    if (size_ - taken_ < n || waiters_.first != nullptr) {
      return false;
    }
  }
  taken_ += n;
  return true;
}

// Serves the waiters in their order. One that wants more than there is keeps all behind it waiting, or it might never
// find enough.
void weighted::grant() noexcept {
  if (waiters_.first != nullptr) {
    forget_abandoned();
  }
  while (waiters_.first != nullptr && size_ - taken_ >= waiters_.first->n) {
    waiter& w = *waiters_.first;
    waiters_.remove(w);
    granted_.push(w);
    taken_ += w.n;
    w.granted = true;
    w.granted_it.signal();
  }
  assert(taken_ >= 0 && taken_ <= size_);
}

// Waiters of an earlier run() that was over before they had returned: they have no place in the queue, and what they
// have been granted is there again.
void weighted::forget_abandoned() noexcept {
  if (run_number_ == detail::run_number()) {
    return;
  }
  run_number_ = detail::run_number();
  for (queue* const q : {&waiters_, &granted_}) {
    waiter* next = nullptr;
    for (waiter* w = q->first; w != nullptr; w = next) {
      next = w->next;
      if (detail::is_abandoned(w->run_number)) {
        q->remove(*w);
        taken_ -= w->granted ? w->n : 0;
      }
    }
  }
  grant();
}

void weighted::queue::push(waiter& w) noexcept {
  assert((first == nullptr) == (last == nullptr));
  w.previous = last;
  w.next = nullptr;
  (last != nullptr ? last->next : first) = &w;
  last = &w;
}

void weighted::queue::remove(waiter& w) noexcept {
  assert(w.previous != nullptr ? w.previous->next == &w : first == &w);
  assert(w.next != nullptr ? w.next->previous == &w : last == &w);
  (w.previous != nullptr ? w.previous->next : first) = w.next;
  (w.next != nullptr ? w.next->previous : last) = w.previous;
}

}  // namespace gossamer::inline v0::semaphore
