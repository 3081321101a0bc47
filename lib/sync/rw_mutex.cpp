// rw_mutex: see gossamer/sync/rw_mutex.hpp.
// Source: Go sync.RWMutex for who goes next. As there, writers that wait for another writer stop no readers yet: if
// they did, once two of them wait every reader would have to park. One that was woken and overtaken is owed it at once,
// where Go waits for 1 ms. Readers that are noted apart: see reader_places.hpp.
#include "gossamer/sync/rw_mutex.hpp"

#include <algorithm>
#include <cassert>

#include "base/fatal.hpp"
#include "base/stress.hpp"
#include "gossamer/detail/own_place.hpp"
#include "gossamer/detail/run_number.hpp"
#include "sched/park.hpp"
#include "sched/wait_on.hpp"
#include "sync/reader_places.hpp"
#include "sync/spin.hpp"
#include "wait/guard_bit.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::sync {

namespace {

constinit reader_places places;

// Of the readers that meet another reader at the word, one in so many has those that follow noted apart; so a lock that
// is often written to pays little for what its writers have to undo.
constexpr std::uint32_t meetings = base::stress_build ? 1 : 16;

constexpr int run_shift = 32;  // in handed_

}  // namespace

// Who holds it next: what is decided from taking the guard to releasing it.
class rw_mutex::hand_over {
 public:
  // The guard is held; w is the word without it, once its last holder has left.
  hand_over(rw_mutex& of, std::uint64_t w) noexcept : of_(of), w_(of.without_abandoned(w)) {}

  // All readers that wait come in.
  void to_readers() noexcept {
    while (detail::waiter* r = wait::claim_first(of_.readers_)) {  // P4
      w_ += reader;
      hand_to(r->its->owner);
    }
  }
  // The first writer that waits comes in, unless readers are in.
  void to_writer() noexcept {
    if (w_ >= reader) {
      return;
    }
    if (detail::waiter* next = wait::claim_first(of_.writers_)) {  // P4
      next->granted = true;
      w_ = (w_ | writer) & ~owed;
      hand_to(next->its->owner);
    }
  }
  // The first writer that waits is to try again.
  void wake_writer() noexcept {
    if ((w_ & woken) != 0) {
      return;
    }
    if (detail::waiter* next = wait::claim_first(of_.writers_)) {  // P4
      w_ |= woken;
      woken_.add(next->its->owner);
    }
  }
  // It is nobody's: RW1.
  void to_next() noexcept {
    to_readers();
    if ((w_ & owed) != 0) {
      to_writer();
    } else {
      wake_writer();
    }
  }
  bool is_free() const noexcept { return (w_ & writer) == 0 && w_ < reader; }
  void release() noexcept {
    if (of_.writers_.empty()) {
      w_ &= ~owed;
    }
    if ((w_ & (writer | owed)) == 0) {
      to_readers();  // those that a writer held up which has given up
    }
    w_ &= ~(readers_wait | writers_wait);
    w_ |= of_.readers_.empty() ? 0 : readers_wait;
    w_ |= of_.writers_.empty() ? 0 : writers_wait;
    assert((w_ & writer) == 0 || w_ < reader);  // a writer or readers
    assert((w_ & apart) == 0 || (w_ & (writer | owed | readers_wait | writers_wait)) == 0);
    assert((w_ & (writer | owed | readers_wait)) != readers_wait);
    if (fibers_ != 0) {
      of_.handed_.fetch_add(fibers_, std::memory_order_relaxed);  // relaxed: a count, and they go on after this
    }
    detail::held_lock{&of_.word_, w_}.release();  // P7
    sched::ready_all(woken_);                     // P5
  }

 private:
  void hand_to(detail::fiber* owner) noexcept {
    fibers_ += owner->is_thread() ? 0 : 1;
    woken_.add(owner);
  }

  rw_mutex& of_;
  std::uint64_t w_;
  fiber_list woken_;
  std::uint64_t fibers_ = 0;  // among them, that it was handed to
};

// ---- fibers that a run() has abandoned ------------------------------------------------------------------------------

// The word, whose guard the caller holds, without what such fibers were handed and have never known of.
std::uint64_t rw_mutex::without_abandoned(std::uint64_t w) noexcept {
  // relaxed, both: it is written under the guard, and lowered by fibers of this run().
  const std::uint64_t handed = handed_.load(std::memory_order_relaxed);
  const std::uint64_t run = std::uint64_t{detail::run_number()} << run_shift;
  if (handed >> run_shift == run >> run_shift) [[likely]] {
    return w;
  }
  handed_.store(run, std::memory_order_relaxed);
  const std::uint64_t fibers = handed - (handed >> run_shift << run_shift);
  w &= ~(woken | (fibers != 0 ? writer : 0));
  return w - reader * std::min(fibers, w / reader);
}

// What is done first by whoever may not get it at once: once in a run().
void rw_mutex::forget_abandoned() noexcept {
  // relaxed: who sees an old number looks again under the guard.
  while (handed_.load(std::memory_order_relaxed) >> run_shift != detail::run_number()) [[unlikely]] {
    std::uint64_t w = load_counted();
    // acquire: the queues as the last guard holder left them.
    if (word_.compare_exchange_weak(w, w | guarded, std::memory_order_acquire, std::memory_order_relaxed)) {
      hand_over next(*this, w);
      if (next.is_free()) {
        next.to_next();
      }
      next.release();
    }
  }
}

// The caller was handed it.
void rw_mutex::have_taken() noexcept {
  if (detail::own_run_number() != 0) {                // no plain thread
    handed_.fetch_sub(1, std::memory_order_relaxed);  // relaxed: a count
  }
}

// ---- readers that are noted apart -----------------------------------------------------------------------------------

// The word was w a moment ago, open to readers. False where it has changed.
bool rw_mutex::come_in(std::uint64_t w) noexcept {
  if (come_in_apart()) {
    return true;
  }
  std::uint64_t next = w + reader;
  // Readers alone are in, and one of them came or went while this one tried.
  if (w >= reader && w % reader == 0 && reader_places::has(detail::worker_index()) &&
      sched::random_below(meetings) == 0) {
    next |= apart;
  }
  // acquire: pairs with the release of the last writer.
  return word_.compare_exchange_weak(w, next, std::memory_order_acquire, std::memory_order_relaxed);
}

std::uint64_t rw_mutex::its_number() noexcept {
  // relaxed, both: it changes once, and whoever does not see that yet learns the number by the compare-exchange.
  std::uint64_t number = number_.load(std::memory_order_relaxed);
  if (number == 0) {
    const std::uint64_t fresh = places.new_number();
    if (number_.compare_exchange_strong(number, fresh, std::memory_order_relaxed)) {
      number = fresh;
    }
  }
  return number;
}

bool rw_mutex::come_in_apart() noexcept {
  // relaxed: it is looked at again.
  if ((word_.load(std::memory_order_relaxed) & apart) == 0) {
    return false;
  }
  const std::uint64_t number = its_number();
  const int worker = detail::worker_index();
  base::stress_point();
  if (!reader_places::has(worker) || !places.add(worker, number)) {
    return false;
  }
  base::stress_point();
  // seq_cst: see reader_places::add(). It acquires the release of the last writer: all that has changed the word since
  // was a compare-exchange, or by one who had acquired it.
  if ((word_.load(std::memory_order_seq_cst) & apart) != 0) {
    return true;
  }
  // A writer has come. Where the note has gone the word counts this reader.
  return !places.remove(worker, number);
}

bool rw_mutex::leave_apart() noexcept {
  // relaxed: where it is clear the word counts the caller, who has the lock, or will.
  if ((word_.load(std::memory_order_relaxed) & apart) == 0) {
    return false;
  }
  const int worker = detail::worker_index();
  return reader_places::has(worker) && places.remove(worker, its_number());
}

// From now on the word counts all readers. Nothing, where it is w no more.
void rw_mutex::count_all(std::uint64_t w) noexcept {
  const std::uint64_t rest = w & ~apart;
  // seq_cst: before the look at the notes; see reader_places::add().
  if (word_.compare_exchange_strong(w, rest | guarded, std::memory_order_seq_cst, std::memory_order_relaxed)) {
    base::stress_point();
    detail::held_lock{&word_, rest + reader * places.take_all(its_number())}.release();
  }
}

// The word, once it counts all readers.
std::uint64_t rw_mutex::load_counted() noexcept {
  std::uint64_t w = wait::load_unguarded(word_, guarded);
  for (; (w & apart) != 0; w = wait::load_unguarded(word_, guarded)) {
    count_all(w);
  }
  return w;
}

// ---- locking and unlocking ------------------------------------------------------------------------------------------

bool rw_mutex::try_lock() noexcept {
  forget_abandoned();
  std::uint64_t w = load_counted();
  while (open_to_writers(w)) {
    // acquire: pairs with the release of the last holders.
    if (word_.compare_exchange_weak(w, w | writer, std::memory_order_acquire, std::memory_order_relaxed)) {
      note_holder();
      return true;
    }
    w = load_counted();
  }
  return false;
}

bool rw_mutex::try_lock_shared() noexcept {
  if (try_once_shared()) {
    return true;
  }
  forget_abandoned();
  std::uint64_t w = wait::load_unguarded(word_, guarded);
  while (open_to_readers(w)) {
    if (come_in(w)) {
      return true;
    }
    w = wait::load_unguarded(word_, guarded);
  }
  return false;
}

bool rw_mutex::lock_contended(wait::limit limit, std::source_location where) {
  forget_abandoned();
  std::uint64_t was_woken = 0;  // `woken`, if the bit is this writer's to clear
  for (int spins = brief_spins;;) {
    std::uint64_t w = load_counted();
    if (open_to_writers(w)) {
      // acquire: pairs with the release of the last holders.
      if (word_.compare_exchange_weak(w, (w | writer) & ~was_woken, std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
        note_holder();
        return true;
      }
      continue;
    }
    if (spins > 0 && sched::can_spin()) {
      --spins;
      spin_briefly();
      continue;
    }
    sched::prepare(limit);
    // acquire: the queues as the last guard holder left them.
    if (!word_.compare_exchange_weak(w, w | guarded, std::memory_order_acquire, std::memory_order_relaxed)) {
      continue;
    }
    // One that was overtaken is owed it, and one that only readers keep out.
    const std::uint64_t debt = was_woken != 0 || (w & writer) == 0 ? owed : 0;
    // Where it does not wait after all it is held: its last unlock will see that nobody is on the way any more.
    const sched::wait_result how = sched::wait_on(
        writers_, {word_, (w | writers_wait | debt) & ~was_woken, w & ~was_woken},
        {.reason = wait_reason::rw_mutex_lock, .object = this, .where = where, .limit = limit, .first = was_woken != 0},
        [this](detail::waiter& self) noexcept { withdraw_writer(self); });
    if (how == sched::wait_result::granted) {
      have_taken();
      note_holder();
      return true;
    }
    if (!sched::through_object(how)) {
      return false;
    }
    was_woken = woken;
    spins = brief_spins;
  }
}

bool rw_mutex::lock_shared_contended(wait::limit limit, std::source_location where) {
  forget_abandoned();
  for (int spins = brief_spins;;) {
    std::uint64_t w = wait::load_unguarded(word_, guarded);
    if (open_to_readers(w)) {
      if (come_in(w)) {
        return true;
      }
      continue;
    }
    if (spins > 0 && sched::can_spin()) {
      --spins;
      spin_briefly();
      continue;
    }
    sched::prepare(limit);
    // acquire: the queues as the last guard holder left them.
    if (!word_.compare_exchange_weak(w, w | guarded, std::memory_order_acquire, std::memory_order_relaxed)) {
      continue;
    }
    const sched::wait_result how =
        sched::wait_on(readers_, {word_, w | readers_wait, w},
                       {.reason = wait_reason::rw_mutex_rlock, .object = this, .where = where, .limit = limit},
                       [this](detail::waiter& self) noexcept { withdraw_reader(self); });
    if (!sched::through_object(how)) {
      return false;
    }
    have_taken();  // whoever wakes a reader has handed it over
    return true;
  }
}

void rw_mutex::unlock_contended() noexcept {
  forget_abandoned();
  for (;;) {
    std::uint64_t w = wait::load_unguarded(word_, guarded);
    if ((w & writer) == 0) {
      base::fatal("sync: Unlock of unlocked RWMutex");
    }
    const std::uint64_t who = w & (readers_wait | writers_wait | owed | woken);
    const bool simple = (who & ~woken) == 0 || who == (writers_wait | woken);
    // release: pairs with the acquire of the next holders. acquire: the queues, if they are to be touched.
    if (!word_.compare_exchange_weak(w, simple ? w & ~writer : w | guarded, std::memory_order_acq_rel,
                                     std::memory_order_relaxed)) {
      continue;
    }
    if (!simple) {
      hand_over next(*this, w & ~writer);
      next.to_next();
      next.release();
    }
    return;
  }
}

void rw_mutex::unlock_shared_contended() noexcept {
  forget_abandoned();
  for (;;) {
    std::uint64_t w = wait::load_unguarded(word_, guarded);
    if (leave_apart()) {
      return;
    }
    if (w < reader) {
      if ((w & apart) == 0) {
        base::fatal("sync: RUnlock of unlocked RWMutex");
      }
      count_all(w);  // its note is another worker's
      continue;
    }
    const bool simple =
        (w & (writers_wait | apart)) != writers_wait || w >= 2 * reader || (w & (owed | woken)) == woken;
    // release: pairs with the acquire of the next writer. acquire: the queues, if they are to be touched; and what the
    // other readers have released goes on to it.
    if (!word_.compare_exchange_weak(w, simple ? w - reader : w | guarded, std::memory_order_acq_rel,
                                     std::memory_order_relaxed)) {
      continue;
    }
    if (!simple) {
      hand_over next(*this, w - reader);
      next.to_writer();
      next.release();
    }
    return;
  }
}

// P6. A writer that gives up lets those readers go that it held up.
void rw_mutex::withdraw_writer(detail::waiter& self) noexcept {
  hand_over next(*this, wait::set_guard(word_, guarded));
  wait::remove(writers_, self);
  next.release();
}

void rw_mutex::withdraw_reader(detail::waiter& self) noexcept {
  hand_over next(*this, wait::set_guard(word_, guarded));
  wait::remove(readers_, self);
  next.release();
}

}  // namespace gossamer::inline v0::sync
