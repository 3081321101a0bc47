// timer: see gossamer/time.hpp.
// Source: Go time/sleep.go, runtime/time.go. Differs: a timer's channel has room for one value, which stop and reset
// take back under the channel's lock, and Go's is not in the heap while nobody waits; here nothing is done when it is
// received from, and the timer leaves the heap when it is stopped or nobody holds it any more.
//
// A timer is its channel, with or without receivers, so the channel's lock is the timer's, and its count of references
// the timer's. The heap is not counted (wait/timer_node.hpp): a running after_func that nobody holds any more is left
// to it (see end()). Lock order: the timer's, then the heap's.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "base/fatal.hpp"
#include "base/stress.hpp"
#include "chan/attempt.hpp"
#include "gossamer/panic.hpp"
#include "gossamer/time.hpp"
#include "sched/park.hpp"
#include "wait/timer_node.hpp"

namespace gossamer::inline v0::detail {

namespace {

using std::chrono::nanoseconds;
using time::time_point;

void prepare(const wait::timer_node& node) noexcept;
fiber* fire(wait::timer_node& node, std::uint32_t turn, deadline due) noexcept;
void end(chan_core* c) noexcept;

// The node comes first: what fire() needs lies right behind it.
struct timer_core final : wait::timer_node, chan_core {
  explicit timer_core(const void* site) noexcept : timer_node(&detail::prepare, &detail::fire), spawn_site(site) {
    timer_node::references = &(chan_core::references);
    capacity = 1;
    slots = storage;
    type = &element_type_of<cell<time_point>>;
    chan_core::bubble = current_bubble();
    chan_core::end = &detail::end;
  }

  // Some of the memory of timers that have ended is kept for those to come: see spare.
  static void* operator new(std::size_t bytes);
  static void operator delete(void* p) noexcept;

  bool calls() const noexcept { return function.call != nullptr; }

  timer_function function;  // empty: it sends
  const void* const spawn_site;
  // What it calls, or the channel's slot.
  alignas(closure_align) std::byte storage[closure_bytes];
  // Guarded by the channel's guard.
  bool running = false;     // it is in a heap, or taken out and about to fire, or its time never comes
  bool in_heap = false;     // may be: it was added, and has not been taken out by its owner
  std::uint32_t turn = 0;   // of the heap's entry that counts
  nanoseconds interval{0};  // of a ticker
  deadline last_due = 0;    // when what fired last was due
};

timer_core& core_of(chan_core* c) noexcept { return *static_cast<timer_core*>(c); }

// Of each worker; plain threads, which may end, have none. Not where a sanitizer is to see who uses what has ended.
struct spare {
  struct item {
    item* next;
  };
  item* first;
  std::size_t count;
};
constexpr std::size_t most_spare = GOSSAMER_ASAN || GOSSAMER_TSAN ? 0 : 1024;
[[gnu::tls_model("initial-exec")]] constinit thread_local spare spares{};

[[gnu::noinline]] void* timer_core::operator new(std::size_t bytes) {
  spare& s = spares;
  if (spare::item* const i = s.first) {
    s.first = i->next;
    --s.count;
    return i;
  }
  return ::operator new(bytes);
}

[[gnu::noinline]] void timer_core::operator delete(void* p) noexcept {
  spare& s = spares;
  if (s.count < most_spare && sched::on_worker()) {
    s.first = ::new (p) spare::item{s.first};
    ++s.count;
    return;
  }
  ::operator delete(p);
}

// All but the last reference; false, and nothing done, if it is the last.
bool release_unless_last(timer_core& t) noexcept {
  std::size_t n = t.chan_core::references.load(std::memory_order_relaxed);
  // acq_rel: as in chan_release().
  while (n > 1 && !t.chan_core::references.compare_exchange_weak(n, n - 1, std::memory_order_acq_rel,
                                                                 std::memory_order_relaxed)) {
  }
  return n > 1;
}

// What the fiber of an after_func does: it has a reference.
void call(void* timer) {
  struct ends {
    timer_core* t;
    ~ends() { chan_release(t); }
  } const it{static_cast<timer_core*>(timer)};
  it.t->function.call(it.t->storage);
}
void only_release(void* timer) { chan_release(static_cast<timer_core*>(timer)); }

// Of an after_func that never comes any more, with a reference: what the function captured ends.
void end_function(void* timer) {
  auto* const t = static_cast<timer_core*>(timer);
  const timer_function f = std::exchange(t->function, {});
  f.destroy(t->storage);
  chan_release(t);
}

// Its bubble has ended. Nobody can start it again, so though somebody may hold it, it holds nothing any more: a context
// and its timer hold each other.
fiber* drop(timer_core& t) noexcept {
  {
    const std::scoped_lock hold(t.guard);
    t.running = t.in_heap = false;
  }
  if (t.calls()) {
    return sched::new_fiber(end_function, &t, t.spawn_site);
  }
  chan_release(&t);
  return nullptr;
}

// Where a fiber waits, its waiter lies on a stack that has not been touched for long. Without the lock: it is only a
// hint.
void prepare(const wait::timer_node& node) noexcept {
  const waiter* const w = static_cast<const timer_core&>(node).receivers.head;
  __builtin_prefetch(w, 1);
  __builtin_prefetch(reinterpret_cast<const std::byte*>(w) + 64, 1);
}

// The time of entry `turn` has come. The caller's reference is given up, or goes to the fiber that is started.
fiber* fire(wait::timer_node& node, std::uint32_t turn, deadline due) noexcept {
  auto& t = static_cast<timer_core&>(node);
  if (due == no_deadline) [[unlikely]] {
    return drop(t);
  }
  fiber* woken = nullptr;
  bool counts = false;
  base::stress_point();
  {
    const std::scoped_lock hold(t.guard);
    counts = t.running && t.turn == turn;
    if (counts && t.interval.count() == 0) {
      t.running = t.in_heap = false;
    }
    // A ticker is in the heap for its next time when it fires, so another worker may have been quicker with that: then
    // this tick counts as missed, for ticks do not go back. Of a timer that was reset the time is later anyway.
    if (counts && !t.calls() && due > t.last_due) {
      t.last_due = due;
      time_point value{nanoseconds(due)};
      attempt(t, direction::send, &value, &woken);  // TI5: where one is unread this one is dropped
    }
  }
  if (!t.calls()) {
    chan_release(&t);
    return woken;  // P5
  }
  if (counts) {
    return sched::new_fiber(call, &t, t.spawn_site);
  }
  // What f captured may block where it ends.
  return release_unless_last(t) ? nullptr : sched::new_fiber(only_release, &t, t.spawn_site);
}

// Whether the timer is a bubble's that the caller is not in.
bool is_outside(const timer_core& t) noexcept {
  return t.chan_core::bubble != 0 && t.chan_core::bubble != current_bubble();
}

// Of a running after_func that nobody holds any more. False if it cannot be called any more.
bool left_to_run(timer_core& t) noexcept {
  base::stress_point();
  switch (sched::leave_timer(t)) {
    case wait::remains::nothing:
      return false;
    case wait::remains::armed:
      return true;
    case wait::remains::due:
      if (is_outside(t)) {
        return false;  // it is not for others to call, and its bubble has missed it
      }
      // It was not fired because nobody held it, and nobody else knows it any more.
      t.running = t.in_heap = false;
      t.chan_core::references.store(1, std::memory_order_relaxed);
      sched::ready_last(sched::new_fiber(call, &t, t.spawn_site));
      return true;
  }
  return false;
}

// Nobody holds the timer any more.
void end(chan_core* c) noexcept {
  timer_core& core = core_of(c);
  if (core.calls() && core.running && core.in_heap && left_to_run(core)) {
    return;
  }
  const std::unique_ptr<timer_core> t(&core);
  if (t->in_heap) {
    sched::remove_timer(*t);
  }
  if (t->calls()) {
    t->function.destroy(t->storage);
  }
}

void check_bubble(const timer_core& t, std::string_view misuse) {
  if (is_outside(t)) {
    base::fatal(misuse);
  }
}

// Under the guard. From here on nothing is received that came before. True if the timer was running or unread.
bool stop_guarded(timer_core& t) noexcept {
  const bool unread = t.count > 0;
  ++t.turn;
  if (t.in_heap) {
    sched::remove_timer(t);
  }
  t.in_heap = false;
  t.count = 0;  // a time_point needs no destruction
  t.head = t.tail = 0;
  return std::exchange(t.running, false) || unread;
}

// Under the guard (or while only the caller knows the timer), of a timer that is stopped. Who is woken goes to *woken.
// True if a worker has to be told.
bool start_guarded(timer_core& t, nanoseconds d, fiber** woken) {
  const deadline begin = t.chan_core::bubble != 0 ? time_now() : now();  // whose clock is the timer's for good
  if (d.count() <= 0 && !t.calls()) {
    time_point value{nanoseconds(begin)};
    attempt(t, direction::send, &value, woken);
    return false;
  }
  const deadline when = after(begin, d.count() > 0 ? d : nanoseconds(0));
  t.running = true;
  if (when == no_deadline) {
    return false;  // TI7
  }
  if (t.chan_core::bubble != 0 && when <= begin) {
    // Now, for time may stand still from here on. A fiber of its own, with a reference.
    t.running = false;
    chan_retain(&t);
    *woken = sched::new_fiber(call, &t, t.spawn_site);
    return false;
  }
  t.in_heap = true;
  try {
    if (t.chan_core::bubble != 0) {
      sched::add_timer_in_bubble(t, begin, when, t.interval, t.turn);
      return false;
    }
    return sched::add_timer(t, begin, when, t.interval, t.turn);  // and from here on it may fire
  } catch (...) {
    t.running = t.in_heap = false;
    throw;
  }
}

// Of a timer that only the caller knows, so without its guard.
void start_new(timer_core& t, nanoseconds d) {
  fiber* woken = nullptr;
  if (start_guarded(t, d, &woken)) {
    sched::look_at_timers();
  }
  if (woken != nullptr) {
    sched::ready(woken);
  }
}

// With an interval the timer has that from then on.
bool restart(timer_core& t, nanoseconds d, nanoseconds interval = nanoseconds(0)) {
  check_bubble(t, "reset of synctest timer from outside bubble");
  fiber* woken = nullptr;
  bool tell = false;
  bool pending = false;
  {
    const std::scoped_lock hold(t.guard);
    pending = stop_guarded(t);
    t.interval = interval.count() > 0 ? interval : t.interval;
    tell = start_guarded(t, d, &woken);
  }
  if (tell) {
    sched::look_at_timers();
  }
  if (woken != nullptr) {
    sched::ready(woken);  // P5
  }
  return pending;
}

chan_core* make_sending(nanoseconds d, nanoseconds interval) {
  auto t = std::make_unique<timer_core>(nullptr);
  t->interval = interval;
  // relaxed: nobody else knows it.
  t->chan_core::references.store(2, std::memory_order_relaxed);
  start_new(*t, d);
  return t.release();
}

}  // namespace

chan_core* timer_make(nanoseconds d) { return make_sending(d, nanoseconds(0)); }

chan_core* ticker_make(nanoseconds d) {
  if (d.count() <= 0) {
    panic("non-positive interval for NewTicker");  // TI6
  }
  return make_sending(d, d);
}

[[gnu::noinline]] new_timer timer_begin() {
  auto* const t = new timer_core(__builtin_return_address(0));
  return {t, t->storage};
}

void timer_start(chan_core* c, const timer_function& f, nanoseconds d) {
  timer_core& t = core_of(c);
  t.function = f;
  start_new(t, d);
}

bool timer_stop(chan_core* c) {
  if (c == nullptr) {
    panic("time: Stop called on uninitialized Timer");
  }
  timer_core& t = core_of(c);
  check_bubble(t, "stop of synctest timer from outside bubble");
  const std::scoped_lock hold(t.guard);
  return stop_guarded(t);
}

bool timer_reset(chan_core* c, nanoseconds d) {
  if (c == nullptr) {
    panic("time: Reset called on uninitialized Timer");
  }
  return restart(core_of(c), d);
}

void ticker_stop(chan_core* c) noexcept {
  if (c != nullptr) {
    timer_core& t = core_of(c);
    check_bubble(t, "stop of synctest timer from outside bubble");
    const std::scoped_lock hold(t.guard);
    stop_guarded(t);
  }
}

void ticker_reset(chan_core* c, nanoseconds d) {
  if (d.count() <= 0) {
    panic("non-positive interval for Ticker.Reset");
  }
  if (c == nullptr) {
    panic("time: Reset called on uninitialized Ticker");
  }
  restart(core_of(c), d, d);
}

}  // namespace gossamer::inline v0::detail
