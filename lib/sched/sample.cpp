// sample: see sample.hpp.
#include "sched/sample.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <utility>

#include "base/futex.hpp"
#include "base/signal_chain.hpp"
#include "machine/stack.hpp"
#include "machine/walk.hpp"
#include "sched/halt.hpp"
#include "sched/scheduler.hpp"
#include "sched/this_thread.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0::sched {

namespace {

static_assert(sample_signal == SIGURG);

constexpr std::chrono::milliseconds look_again{10};
constexpr std::size_t longest_name = 256;

// What `word` says.
constexpr std::uint32_t nothing = 0;
constexpr std::uint32_t asked = 1;
constexpr std::uint32_t at_work = 2;  // the handler owns the rest
constexpr std::uint32_t seen = 3;
constexpr std::uint32_t gone = 4;

// The one request. Written by who asks, before `asked`, and by the handler while it is at work.
constinit struct {
  base::futex_word word{nothing};
  std::atomic<pid_t> thread{0};
  const fiber* of = nullptr;
  std::uint64_t id = 0;
  machine::stack_trace trace{};
  char name[longest_name]{};
  std::size_t name_bytes = 0;
  const detail::label_set* labels = nullptr;
} request;

constinit detail::spin_lock one_at_a_time;

bool is_ours(const siginfo_t& info) noexcept {
  return info.si_code == SI_QUEUE && info.si_pid == ::getpid() && info.si_value.sival_ptr == &request;
}

// Written once, before the handler is in place.
struct sigaction previous_action;

// On the thread of f's worker, in the handler.
bool is_interrupted(const fiber& f, const void* handler_argument) noexcept {
  const worker* const w = this_worker();
  if (w == nullptr || w->current() != &f || f.stack == nullptr || f.id.load(std::memory_order_relaxed) != request.id) {
    return false;
  }
  // It may be about to leave, or not have arrived yet.
  const auto* const at = static_cast<const std::byte*>(machine::interrupted_stack_pointer(handler_argument));
  return at >= machine::stack_bottom(f.stack, f.size_class) && at < machine::stack_top(f.stack, f.size_class);
}

void answer(const void* handler_argument) noexcept {
  detail::sanitizer_acquire(&request);
  const bool here = is_interrupted(*request.of, handler_argument);
  if (here) {
    request.trace.depth = 0;
    request.trace.whole = false;
    machine::trace_here(request.trace);
    request.name_bytes = 0;
    request.labels = nullptr;
    if (const detail::local_table* const t = request.of->locals; t != nullptr) {
      if (t->name != nullptr) {
        request.name_bytes = std::min(t->name->size(), longest_name);
        std::copy_n(t->name->data(), request.name_bytes, request.name);
      }
      request.labels = detail::keep(t->labels);
    }
  }
  detail::sanitizer_release(&request);
  // release: pairs with the acquire in wait_for_answer().
  request.word.store(here ? seen : gone, std::memory_order_release);
  base::futex_wake(request.word);
}

void on_signal(int signal, siginfo_t* info, void* context) noexcept {
  const int saved = errno;
  std::uint32_t expected = asked;
  // acquire: pairs with the release in sample(); what is asked for is seen.
  if (request.thread.load(std::memory_order_relaxed) == ::gettid() &&
      request.word.compare_exchange_strong(expected, at_work, std::memory_order_acquire)) {
    answer(context);
  }
  halt_here(context);
  if (!is_ours(*info)) {  // even if it has been an answer: ours was made one with it
    base::pass_on(previous_action, signal, info, context);
  }
  errno = saved;
}

// True if there is an answer.
bool wait_for_answer(std::chrono::nanoseconds patience) noexcept {
  const detail::deadline until = detail::after(detail::now(), patience);
  for (;;) {
    // acquire: pairs with the release in answer().
    std::uint32_t now = request.word.load(std::memory_order_acquire);
    if (now == seen || now == gone) {
      return true;
    }
    if (now == asked && detail::now() >= until) {
      if (request.word.compare_exchange_strong(now, nothing, std::memory_order_relaxed)) {
        return false;
      }
      continue;
    }
    // One that is at work comes to its end.
    base::futex_wait(request.word, now, now == asked ? until : detail::after(detail::now(), look_again));
  }
}

}  // namespace

// Sent with a mark: one that comes when nobody waits for it any more is known for ours, and two that the kernel has
// made one of need no account.
bool send_sample_signal(pid_t thread) noexcept {
  siginfo_t info{};
  info.si_signo = sample_signal;
  info.si_code = SI_QUEUE;
  info.si_pid = ::getpid();
  info.si_uid = ::getuid();
  info.si_value.sival_ptr = &request;
  return ::syscall(SYS_rt_tgsigqueueinfo, ::getpid(), thread, sample_signal, &info) == 0;
}

bool sample_signal_is_ours() noexcept {
  struct sigaction now{};
  return ::sigaction(sample_signal, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) != 0 &&
         now.sa_sigaction == on_signal;
}

void prepare_to_sample() noexcept {
  struct sigaction ours{};
  ours.sa_sigaction = on_signal;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  ::sigemptyset(&ours.sa_mask);
  if (::sigaction(sample_signal, nullptr, &previous_action) == 0) {
    ::sigaction(sample_signal, &ours, nullptr);
  }
}

worker* worker_of(const fiber& f) noexcept {
  for (int i = 0; i < the_scheduler.threads(); ++i) {
    if (the_scheduler.at(i).seen_running() == &f) {
      return &the_scheduler.at(i);
    }
  }
  return nullptr;
}

sampled sample(const fiber& f, std::uint64_t id, running_sample& to, std::chrono::nanoseconds patience) {
  const worker* const w = worker_of(f);
  if (w == nullptr) {
    return sampled::moved;
  }
  if (w->in_call() || !sample_signal_is_ours()) {
    return sampled::silent;
  }
  to.name.reserve(longest_name);
  const std::scoped_lock hold(one_at_a_time);
  request.of = &f;
  request.id = id;
  request.thread.store(w->thread_id(), std::memory_order_relaxed);
  detail::sanitizer_release(&request);
  // release: pairs with the acquire in on_signal().
  request.word.store(asked, std::memory_order_release);
  if (!send_sample_signal(w->thread_id())) {
    request.word.store(nothing, std::memory_order_relaxed);
    return sampled::silent;
  }
  if (!wait_for_answer(patience)) {
    return sampled::late;
  }
  detail::sanitizer_acquire(&request);
  if (request.word.exchange(nothing, std::memory_order_relaxed) == gone) {
    return sampled::moved;
  }
  to.trace = request.trace;
  to.name.assign(request.name, request.name_bytes);
  to.labels = std::exchange(request.labels, nullptr);
  return sampled::done;
}

}  // namespace gossamer::inline v0::sched
