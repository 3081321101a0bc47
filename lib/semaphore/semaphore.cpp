// semaphore: see gossamer/semaphore.hpp.
// Source: golang.org/x/sync/semaphore. Differs: a waiter lies on its stack and has a cond for itself, so that waiting
// allocates nothing.
#include "gossamer/semaphore.hpp"

#include <mutex>

#include "gossamer/chan.hpp"
#include "gossamer/panic.hpp"
#include "gossamer/sync/cond.hpp"

namespace gossamer::inline v0::semaphore {

struct weighted::waiter {
  const std::int64_t n;
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
  if (ended.is_set()) {
    return ctx.err();
  }
  std::unique_lock lock(mu_);
  if (size_ - taken_ >= n && first_ == nullptr) {
    taken_ += n;
    return nullptr;
  }
  if (n > size_) {
    lock.unlock();
    ctx.done().recv(where);
    return ctx.err();
  }
  waiter self{.n = n};
  push(self);
  while (!self.granted && !ended.is_set()) {
    self.granted_it.wait_until(mu_, ended, where);
  }
  if (!ended.is_set()) {
    return nullptr;
  }
  if (self.granted) {
    taken_ -= n;  // at the same time: as if it had not been
  } else {
    remove(self);
  }
  grant();
  return ctx.err();
}

bool weighted::try_acquire(std::int64_t n) {
  check(n);
  const std::scoped_lock lock(mu_);
  if (size_ - taken_ < n || first_ != nullptr) {
    return false;
  }
  taken_ += n;
  return true;
}

void weighted::release(std::int64_t n) {
  check(n);
  const std::scoped_lock lock(mu_);
  if (n > taken_) {
    panic("semaphore: released more than held");
  }
  taken_ -= n;
  grant();
}

void weighted::push(waiter& w) noexcept {
  w.previous = last_;
  (last_ != nullptr ? last_->next : first_) = &w;
  last_ = &w;
}

void weighted::remove(waiter& w) noexcept {
  (w.previous != nullptr ? w.previous->next : first_) = w.next;
  (w.next != nullptr ? w.next->previous : last_) = w.previous;
}

// Serves the waiters in their order. One that wants more than there is keeps all behind it waiting, or it might never
// find enough.
void weighted::grant() noexcept {
  while (first_ != nullptr && size_ - taken_ >= first_->n) {
    waiter& w = *first_;
    remove(w);
    taken_ += w.n;
    w.granted = true;
    w.granted_it.signal();
  }
}

}  // namespace gossamer::inline v0::semaphore
