// rw_mutex: see gossamer/sync/rw_mutex.hpp.
// Source: Go sync.RWMutex for who goes next. Differs: see there. That it is always handed over keeps the invariants
// simple: it is never free while somebody waits.
#include "gossamer/sync/rw_mutex.hpp"

#include "base/fatal.hpp"
#include "sched/park.hpp"
#include "sync/blocking.hpp"
#include "wait/guard_bit.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::sync {

// Who holds it next: what is decided from taking the guard to releasing it.
class rw_mutex::hand_over {
 public:
  // The guard is held; w is the word without it, once its last holder has left.
  hand_over(rw_mutex& of, std::uint64_t w) noexcept : of_(of), w_(w) {}

  // All readers that wait come in, unless there is a writer.
  void to_readers() noexcept {
    if ((w_ & writer) != 0) {
      return;
    }
    while (detail::waiter* r = wait::claim_first(of_.readers_)) {  // P4
      w_ += reader;
      woken_.add(r->its->owner);
    }
  }
  // The first writer that waits comes in, if nobody else is.
  void to_writer() noexcept {
    if (w_ >= reader || (w_ & writer) != 0) {
      return;
    }
    if (detail::waiter* next = wait::claim_first(of_.writers_)) {  // P4
      w_ |= writer;
      woken_.add(next->its->owner);
    }
  }
  void release() noexcept {
    w_ &= ~(readers_wait | writers_wait);
    w_ |= of_.readers_.empty() ? 0 : readers_wait;
    w_ |= of_.writers_.empty() ? 0 : writers_wait;
    detail::held_lock{&of_.word_, w_}.release();  // P7
    woken_.ready_all();                           // P5
  }

 private:
  rw_mutex& of_;
  std::uint64_t w_;
  sched::ready_list woken_;
};

bool rw_mutex::try_lock_shared() noexcept {
  std::uint64_t w = wait::load_unguarded(word_, guarded);
  while (open_to_readers(w)) {
    // acquire: pairs with the release of the last writer.
    if (word_.compare_exchange_weak(w, w + reader, std::memory_order_acquire, std::memory_order_relaxed)) {
      return true;
    }
    w = wait::load_unguarded(word_, guarded);
  }
  return false;
}

bool rw_mutex::lock_contended(detail::deadline until, wait::stop ended, std::source_location where) {
  for (int spins = brief_spins;;) {
    std::uint64_t w = wait::load_unguarded(word_, guarded);
    if (w == 0) {
      if (try_lock()) {
        return true;
      }
      continue;
    }
    if (spins > 0 && sched::can_spin()) {
      --spins;
      spin_briefly();
      continue;
    }
    if (until != detail::no_deadline) {
      sched::prepare_deadline();
    }
    // acquire: the queues as the last guard holder left them.
    if (!word_.compare_exchange_weak(w, w | guarded, std::memory_order_acquire, std::memory_order_relaxed)) {
      continue;
    }
    blocking blocked(until, ended);  // P1
    if (!blocked.may_park()) {
      detail::held_lock{&word_, w}.release();  // P7
      return false;
    }
    wait::push_back(writers_, blocked.self());                                             // P2
    if (blocked.park(word_, w | writers_wait, wait_reason::rw_mutex_lock, this, where)) {  // P3
      return true;                                                                         // handed over
    }
    withdraw_writer(blocked.self());  // P6
    return false;
  }
}

bool rw_mutex::lock_shared_contended(detail::deadline until, wait::stop ended, std::source_location where) {
  for (int spins = brief_spins;;) {
    std::uint64_t w = wait::load_unguarded(word_, guarded);
    if (open_to_readers(w)) {
      if (try_once_shared()) {
        return true;
      }
      continue;
    }
    if (spins > 0 && sched::can_spin()) {
      --spins;
      spin_briefly();
      continue;
    }
    if (until != detail::no_deadline) {
      sched::prepare_deadline();
    }
    // acquire: the queues as the last guard holder left them.
    if (!word_.compare_exchange_weak(w, w | guarded, std::memory_order_acquire, std::memory_order_relaxed)) {
      continue;
    }
    blocking blocked(until, ended);  // P1
    if (!blocked.may_park()) {
      detail::held_lock{&word_, w}.release();  // P7
      return false;
    }
    wait::push_back(readers_, blocked.self());                                              // P2
    if (blocked.park(word_, w | readers_wait, wait_reason::rw_mutex_rlock, this, where)) {  // P3
      return true;                                                                          // handed over
    }
    withdraw_reader(blocked.self());  // P6
    return false;
  }
}

void rw_mutex::unlock_contended() noexcept {
  for (;;) {
    std::uint64_t w = wait::load_unguarded(word_, guarded);
    if ((w & writer) == 0) {
      base::fatal("sync: Unlock of unlocked RWMutex");
    }
    const bool simple = w == writer;
    // release: pairs with the acquire of the next holders. acquire: the queues, if they are to be touched.
    if (!word_.compare_exchange_weak(w, simple ? 0 : w | guarded, std::memory_order_acq_rel,
                                     std::memory_order_relaxed)) {
      continue;
    }
    if (!simple) {
      hand_over next(*this, w & ~writer);
      next.to_readers();  // RW1
      next.to_writer();
      next.release();
    }
    return;
  }
}

void rw_mutex::unlock_shared_contended() noexcept {
  for (;;) {
    std::uint64_t w = wait::load_unguarded(word_, guarded);
    if (w < reader) {
      base::fatal("sync: RUnlock of unlocked RWMutex");
    }
    const bool simple = nobody_to_wake(w) || w >= 2 * reader;
    // release: pairs with the acquire of the next writer. acquire: the queues, if they are to be touched; and what the
    // other readers have released goes on to it.
    if (!word_.compare_exchange_weak(w, simple ? w - reader : w | guarded, std::memory_order_acq_rel,
                                     std::memory_order_relaxed)) {
      continue;
    }
    if (!simple) {
      hand_over next(*this, w - reader);
      next.to_writer();
      next.to_readers();  // if all writers that waited have given up
      next.release();
    }
    return;
  }
}

// P6. A writer that gives up lets those readers go that it held up.
void rw_mutex::withdraw_writer(detail::waiter& self) noexcept {
  hand_over next(*this, wait::set_guard(word_, guarded));
  wait::remove(writers_, self);
  if (writers_.empty()) {
    next.to_readers();
  }
  next.release();
}

void rw_mutex::withdraw_reader(detail::waiter& self) noexcept {
  hand_over next(*this, wait::set_guard(word_, guarded));
  wait::remove(readers_, self);
  next.release();
}

}  // namespace gossamer::inline v0::sync
