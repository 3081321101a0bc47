// monitor: see monitor.hpp.
#include "sched/monitor.hpp"

#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

#include <algorithm>
#include <initializer_list>

#include "base/forked.hpp"
#include "base/system_call.hpp"
#include "event/poller.hpp"
#include "fiber/inspect.hpp"
#include "fiber/report_hook.hpp"
#include "sched/scheduler.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0::detail {

constinit std::atomic<int> resched_requests{0};

}  // namespace gossamer::inline v0::detail

namespace gossamer::inline v0::sched {

namespace {

constexpr detail::deadline slow_step = 10'000'000;
constexpr detail::deadline quick_step = 500'000;

// An announced call is noticed at the second look at it; what nobody announced after so long, and sooner while workers
// stand in for others: they meet the same kind of fiber.
constexpr detail::deadline patience = 9'000'000;
// So long a fiber that computes has to give way once it was asked to.
constexpr detail::deadline patience_when_asked = 9'000'000;
// So long where its thread, on a busy machine, has had less than half of that of a CPU.
constexpr detail::deadline patience_without_cpu = 10 * patience_when_asked;
constexpr detail::deadline patience_with_substitutes = 2'000'000;
// For so long after the last rescue the monitor expects more of the kind.
constexpr detail::deadline alert = 100'000'000;

// How often the affinity and the quota are read while somebody works.
constexpr detail::deadline limits_step = 1'000'000'000;

// Looks at a runtime that is all idle before the monitor sleeps.
constexpr int idle_looks = 5;

// The CPU time that the worker's thread has used, in ns.
detail::deadline cpu_time_of(const worker& w) noexcept {
  clockid_t clock{};
  timespec t{};
  if (::pthread_getcpuclockid(w.thread(), &clock) != 0 || ::clock_gettime(clock, &t) != 0) {
    return 0;
  }
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

bool has_used_cpu(const worker& w, const duty_view& view, detail::deadline now) noexcept {
  return cpu_time_of(w) - view.cpu_time > (now - view.since) / 4;
}

// Whether the worker, which has not switched since `view`, computes, or would if it had a CPU: where others keep the
// CPUs busy it is not a system call that it is in.
bool computes(const worker& w, const duty_view& view, detail::deadline now) noexcept {
  return has_used_cpu(w, view, now) || base::system_call_of(w.thread_id()) == base::runnable;
}

// Whether the worker, which has been in one and the same call of the poller since `view`, is in a handler there: it
// computes, or sleeps in a system call other than those in which the io_context waits.
bool is_in_handler(const worker& w, const duty_view& view, detail::deadline now) noexcept {
  if (has_used_cpu(w, view, now)) {
    return true;
  }
  const long number = base::system_call_of(w.thread_id());
  const auto waits = {
#ifdef SYS_epoll_wait
      long{SYS_epoll_wait},
#endif
      long{SYS_epoll_pwait}, long{SYS_epoll_pwait2}, long{SYS_futex}};
  return number >= 0 && std::find(waits.begin(), waits.end(), number) == waits.end();
}

// So many may stand in for workers that compute: more threads would have no CPU, either.
bool enough_for_hogs() noexcept { return the_scheduler.substitutes_of_hogs() >= 2 * the_scheduler.procs() + 2; }

}  // namespace

bool monitor::start() {
  if (started_) {
    return true;
  }
  started_ = start_thread(thread, this);
  return started_;
}

void* monitor::thread(void* self) {
  ::pthread_setname_np(::pthread_self(), "goss/mon");
  static_cast<monitor*>(self)->loop();
  return nullptr;
}

void monitor::wake_up() noexcept {
  if (asleep_.exchange(false)) {
    wake();
  }
}

void monitor::call(void (*f)(), std::chrono::nanoseconds at_most) noexcept {
  const detail::deadline until = detail::after(detail::now(), at_most);
  called_.store(f);
  wake();
  // acquire: pairs with the store in see_to_handlers().
  while (call_is_over_.load(std::memory_order_acquire) == 0 && detail::now() < until) {
    base::futex_wait(call_is_over_, 0, until);
  }
}

// seq_cst, all of it: after the look at the word.
void monitor::see_to_handlers() noexcept {
  if (signal_has_come_.exchange(false)) {
    hook::signal_has_come();
  }
  if (auto* const f = called_.exchange(nullptr)) {
    f();
    call_is_over_.store(1);
    base::futex_wake(call_is_over_);
  }
}

void monitor::hurry() noexcept {
  if (!hurried_.exchange(true)) {
    asleep_.store(false);
    wake();
  }
}

void monitor::loop() noexcept {
  int idle = 0;
  int calm = 0;
  limits_read_at_ = detail::now();  // by who has started the runtime
  for (;;) {
    const std::uint32_t seen = word_.load();
    see_to_handlers();
    const bool busy = look();
    idle = busy ? 0 : idle + 1;
    const detail::deadline now = detail::now();
    if (busy && now - limits_read_at_ >= limits_step) {
      limits_read_at_ = now;
      the_scheduler.follow_cpu_limits();
    }
    if (hurried_.load(std::memory_order_relaxed) && ++calm > idle_looks * 10) {
      calm = 0;
      hurried_.store(false);  // somebody_blocks() asks again
    }
    if (idle > idle_looks) {
      asleep_.store(true);
      if (the_scheduler.idle.count() >= the_scheduler.procs()) {  // seq_cst: after the store; see somebody_works()
        base::futex_wait(word_, seen, look_at_idle());
      }
      asleep_.store(false);
      idle = 0;
      continue;
    }
    const bool quick = hurried_.load(std::memory_order_relaxed) || now - rescued_at_ < alert;
    base::futex_wait(word_, seen, detail::after(now, std::chrono::nanoseconds(quick ? quick_step : slow_step)));
  }
}

// When to look at a runtime that is all idle: its timers are not expired while who waits for events is in a handler.
detail::deadline monitor::look_at_idle() noexcept {
  detail::deadline earliest = detail::no_deadline;
  if (event::the_poller.asio_in_use()) {
    for (int i = 0; i < the_scheduler.threads(); ++i) {
      earliest = std::min(earliest, the_scheduler.at(i).timers().look_at());
    }
  }
  return earliest == detail::no_deadline
             ? earliest
             : detail::after(std::max(earliest, detail::now()), std::chrono::nanoseconds(slow_step));
}

// True if anybody is at work.
bool monitor::look() noexcept {
  const detail::deadline now = detail::now();
  bool busy = false;
  if (too_few_.load(std::memory_order_relaxed)) {  // relaxed: a hint
    set_width();
  }
  for (int i = 0; i < the_scheduler.threads(); ++i) {
    worker& w = the_scheduler.at(i);
    if (w.sleep().is_asleep()) {
      end_request(w);
      if (w.sleep().is_polling()) {
        look_at_poller(w, now);
      } else if (w.status().now() == duty::stuck) {
        settle(w, duty::stuck);  // it fell asleep at the moment at which it was found stuck
      }
      continue;
    }
    look_at(w, now);
    // Whom somebody stands in for says so itself when it comes back.
    const duty d = w.status().now();
    busy = busy || d == duty::working || d == duty::blocking;
  }
  return busy;
}

void monitor::look_at(worker& w, detail::deadline now) noexcept {
  duty_view& view = w.status().last_look();
  const std::uint32_t switches = w.switches();
  const std::uint32_t calls = w.status().calls();
  const duty d = w.status().now();
  if (switches != view.switches || calls != view.calls) {
    end_request(w);
    view = {switches, calls, w.sleep().polls(), now, cpu_time_of(w)};
    // It went on, or parked in its blocking call: it is at work. A call that has only begun since the last look, and
    // was noticed by another than this thread, goes on.
    if (d == duty::stuck || (d == duty::replaced && has_left_call(w))) {
      settle(w, d);
    }
    return;
  }
  // Whoever is locked to its thread keeps nobody waiting.
  const bool runs = w.seen_running() != nullptr || w.sleep().is_polling();
  if (!runs || w.status().is_pinned() || (d != duty::working && d != duty::blocking)) {
    end_request(w);
    return;
  }
  const bool announced = d == duty::blocking;
  const detail::deadline enough = announced                   ? quick_step / 2
                                  : now - rescued_at_ < alert ? patience_with_substitutes
                                                              : patience;
  if (now - view.since < enough) {
    return;
  }
  const bool hog = !announced && computes(w, view, now);
  if (hog && !w.sleep().is_polling() && !has_been_asked(w, now)) {
    return;
  }
  const std::scoped_lock hold(guard_);
  end_request(w);  // while it stands, each call of others looks for itself
  if (hog && enough_for_hogs()) {
    return;
  }
  if (w.status().replace(d, hog, w.switches())) {
    rescued_at_ = now;
    set_width_locked();
    if (w.sleep().is_polling()) {
      event::the_poller.interrupt();  // what it has found it cannot hand back: whoever waits looks
    }
  }
}

// Whether another is to stand in for the worker, whose fiber computes: it was asked to give way long ago, or now sleeps
// in a system call. Where it only waits for a CPU it has a longer time for that. The first time it is asked.
bool monitor::has_been_asked(worker& w, detail::deadline now) noexcept {
  duty_view& view = w.status().last_look();
  if (view.asked_at == 0) {
    view.asked_at = now;
    view.cpu_time_when_asked = cpu_time_of(w);
    w.status().request_resched(view.switches);
    return false;
  }
  const long call = base::system_call_of(w.thread_id());
  if (call >= 0) {
    return true;
  }
  const detail::deadline waited = now - view.asked_at;
  if (waited < patience_when_asked) {
    return false;
  }
  const bool had_cpu = cpu_time_of(w) - view.cpu_time_when_asked >= patience_when_asked / 2;
  return call != base::runnable || had_cpu || waited >= patience_without_cpu;
}

void monitor::end_request(worker& w) noexcept {
  w.status().last_look().asked_at = 0;
  w.status().end_request();
}

bool monitor::has_left_call(worker& w) noexcept {
  const std::scoped_lock hold(guard_);
  return w.status().has_left_call(w.switches());
}

// It has the poller role, and mostly just waits. Where it is in a handler instead somebody stands in for it, and it is
// taken out of the idle set: so another gets the role.
void monitor::look_at_poller(worker& w, detail::deadline now) noexcept {
  duty_view& view = w.status().last_look();
  if (w.sleep().polls() != view.polls) {
    view = {w.switches(), w.status().calls(), w.sleep().polls(), now, cpu_time_of(w)};
    return;
  }
  if (now - view.since < patience || w.status().now() != duty::working || !event::the_poller.asio_in_use() ||
      !is_in_handler(w, view, now)) {
    return;
  }
  {
    const std::scoped_lock hold(guard_);
    const bool hog = has_used_cpu(w, view, now);
    if ((hog && enough_for_hogs()) || !w.status().replace(duty::working, hog, w.switches())) {
      return;
    }
    rescued_at_ = now;
    set_width_locked();
  }
  event::the_poller.take_role_away();
  if (the_scheduler.idle.leave(w.index())) {
    w.wake(false);
  }
  if (the_scheduler.idle.unwatched()) {
    the_scheduler.wake_one();
  }
}

bool monitor::back_to_work(worker& w) noexcept {
  const std::scoped_lock hold(guard_);
  // stop() sets the flag before it counts, under the guard, who is away: it counts this worker, or this sees the flag.
  if ((attention.load() & attention_stop) != 0) {
    return false;
  }
  somebody_works();
  w.status().back_to_work();
  set_width_locked();
  return true;
}

void monitor::settle(worker& w, duty from) noexcept {
  somebody_works();
  const std::scoped_lock hold(guard_);
  if (w.status().settle(from == duty::inspected ? duty::blocking : from)) {
    set_width_locked();
  }
}

void monitor::calls_though_replaced(worker& w) noexcept {
  base::not_in_forked_child();
  const std::scoped_lock hold(guard_);
  w.status().replace_in_call(w.switches());
}

int monitor::count_away() noexcept {
  const std::scoped_lock hold(guard_);
  int away = 0;
  for (int i = 0; i < the_scheduler.threads(); ++i) {
    worker& w = the_scheduler.at(i);
    w.status().replace(duty::blocking, false, w.switches());
    away += w.status().now() == duty::replaced ? 1 : 0;
  }
  return away;
}

bool monitor::pin(worker& w) noexcept {
  const std::scoped_lock hold(guard_);
  w.status().set_pinned(true);
  the_scheduler.idle.count_pinned(1);
  if (set_width_locked()) {
    return true;
  }
  unpin_locked(w);
  return false;
}

void monitor::unpin(worker& w) noexcept {
  const std::scoped_lock hold(guard_);
  unpin_locked(w);
}

void monitor::unpin_locked(worker& w) noexcept {
  w.status().set_pinned(false);
  the_scheduler.idle.count_pinned(-1);
  set_width_locked();
}

void monitor::unpin_all() noexcept {
  const std::scoped_lock hold(guard_);
  for (int i = 0; i < the_scheduler.threads(); ++i) {
    if (the_scheduler.at(i).status().is_pinned()) {
      unpin_locked(the_scheduler.at(i));
    }
  }
}

bool monitor::nobody_away() noexcept {
  for (int i = 0; i < the_scheduler.threads(); ++i) {
    if (the_scheduler.at(i).status().now() != duty::working) {
      return false;
    }
  }
  return true;
}

void monitor::set_width() noexcept {
  const std::scoped_lock hold(guard_);
  set_width_locked();
}

// The first workers, until procs() of them are none that somebody stands in for. procs() is read once: it may change
// meanwhile, and whoever changes it calls set_width() after.
bool monitor::set_width_locked() noexcept {
  const int wanted = the_scheduler.procs();
  int working = 0;
  int width = 0;
  int hogs = 0;
  while (working < wanted) {
    if (width >= the_scheduler.threads() && !the_scheduler.add_worker()) {
      break;
    }
    const worker_status& status = the_scheduler.at(width++).status();
    working += status.is_away() ? 0 : 1;
    hogs += status.is_hog() ? 1 : 0;
  }
  the_scheduler.set_width(width, hogs);
  const bool enough = working == wanted;
  too_few_.store(!enough, std::memory_order_relaxed);  // relaxed: a hint
  return enough;
}

}  // namespace gossamer::inline v0::sched
