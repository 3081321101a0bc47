// select: see gossamer/detail/select_core.hpp.
// Source: Go runtime/select.go (one ticket, all locks in address order). Differs: first a case that looks ready without
// its lock is tried alone, so that all locks are taken only to block, or to be sure that nothing is ready.
#include <algorithm>
#include <cassert>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "base/stress.hpp"
#include "chan/attempt.hpp"
#include "chan/select_ticket.hpp"
#include "gossamer/detail/select_core.hpp"
#include "gossamer/panic.hpp"
#include "sched/park.hpp"
#include "sched/wait_on.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::detail {

namespace {

// SE3: one of the cases that may succeed, each as likely as another; n if there is none.
std::size_t draw(const select_call& call) noexcept {
  std::uint32_t candidates = 0;
  std::size_t first = call.n;
  for (std::size_t i = 0; i < call.n; ++i) {
    if (call.ops[i].may_succeed() && candidates++ == 0) {
      first = i;
    }
  }
  if (candidates < 2) {
    return first;
  }
  std::uint32_t skip = sched::random_below(candidates);
  for (std::size_t i = first; i < call.n; ++i) {
    if (call.ops[i].may_succeed() && skip-- == 0) {
      return i;
    }
  }
  return first;  // what was ready has changed meanwhile
}

// The end of a select that has chosen a case. Nothing is locked any more.
std::size_t chosen(const select_call& call, std::size_t index, bool transferred) {
  select_op& op = call.ops[index];
  assert(index < call.n && op.channel != nullptr);
  op.ok = transferred;
  if (op.sends && !transferred) {
    detail::throw_runtime_error("send on closed channel");
  }
  return index;
}

// An array of n, on the stack where it is short. Not initialised.
template <class T>
class short_array {
 public:
  explicit short_array(std::size_t n) { make_room(n); }
  void make_room(std::size_t n) {
    if (n > few) {
      big_ = std::make_unique_for_overwrite<place[]>(n);
    }
  }
  T* data() noexcept { return reinterpret_cast<T*>(big_ ? big_.get() : small_); }
  T& operator[](std::size_t i) noexcept { return data()[i]; }

 private:
  static constexpr std::size_t few = 8;
  struct alignas(T) place {
    std::byte bytes[sizeof(T)];
  };
  std::unique_ptr<place[]> big_;
  place small_[few];
};

// The second pass: all channels of the select at once.
class locked_select {
 public:
  explicit locked_select(const select_call& call) : call_(call), channels_(call.n), held_(call.n), waiters_(call.n) {
    for (std::size_t i = 0; i < call.n; ++i) {
      if (call.ops[i].channel != nullptr) {
        channels_[count_++] = call.ops[i].channel;
      }
    }
    chan_core** const begin = channels_.data();
    std::sort(begin, begin + count_, std::less<>());
    const std::size_t named = count_;
    count_ = static_cast<std::size_t>(std::unique(begin, begin + count_) - begin);
    repeats_ = count_ < named;
    if (repeats_) {
      order_.make_room(call.n);  // now: no memory is asked for while the channels are locked
    }
  }

  std::size_t operator()() {
    lock();
    for (std::size_t i = draw(call_); i != call_.n; i = draw(call_)) {
      fiber* woken = nullptr;
      const attempt_result result = attempt(*call_.ops[i].channel, call_.ops[i].way(), call_.ops[i].value, &woken);
      if (result != attempt_result::blocked) {
        unlock();
        if (woken != nullptr) {
          sched::ready(woken);  // P5
        }
        return chosen(call_, i, result == attempt_result::done);
      }
      // It had only waiters that have lost elsewhere, and attempt() has dropped them: the next draw sees less.
    }
    if (!call_.blocks) {
      unlock();
      return call_.n;
    }
    return wait();
  }

 private:
  // For sched::wait_at(): a waiter in the list of each case, and the guards of all channels. A stop is a case.
  class place {
   public:
    static constexpr int wakers = 2;

    place(locked_select& of, select_ticket& its) noexcept : ticket(its), of_(of) {}

    bool enter() noexcept {
      of_.push_all(ticket);
      return true;
    }
    static void turn_back() noexcept {}
    std::span<const held_lock> locks(held_lock) noexcept {
      for (std::size_t i = 0; i < of_.count_; ++i) {
        of_.held_[i] = of_.channels_[i]->guard.held();
      }
      return {of_.held_.data(), of_.count_};
    }
    void withdraw() noexcept { of_.withdraw(ticket.winner); }

    select_ticket& ticket;

   private:
    locked_select& of_;
  };

  // In address order, so that two selects cannot wait for each other.
  void lock() noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
      channels_[i]->guard.lock();
    }
  }
  void unlock() noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
      channels_[i]->guard.unlock();
    }
  }

  std::size_t wait() {
    assert(std::is_sorted(channels_.data(), channels_.data() + count_, std::less<>()));
    select_ticket ticket(sched::current_to_park(reason(), [this] { unlock(); }),  // P1
                         channels_.data(), count_, wait::limit::of(call_.until).has_deadline());
    place here(*this, ticket);
    sched::wait_at(here, {.reason = reason(),
                          .object = object(),
                          .where = call_.where,
                          .limit = wait::limit::of(call_.until),
                          .durable = std::all_of(channels_.data(), channels_.data() + count_,
                                                 [](const chan_core* c) { return c->bubble != 0; })});
    const waiter* const winner = ticket.winner;
    if (winner == nullptr) {
      return call_.n;
    }
    assert(winner >= waiters_.data() && winner < waiters_.data() + call_.n && !winner->queued);
    return chosen(call_, static_cast<std::size_t>(winner - waiters_.data()), winner->granted);
  }

  // P2
  void push_all(select_ticket& ticket) noexcept {
    for (std::size_t i = 0; i < call_.n; ++i) {
      ::new (&waiters_[i]) waiter(ticket, call_.ops[i].value);
    }
    // SE3: of a channel's queue the first is served, so where a channel stands in several cases chance says which that
    // is. Not where the second case is a stop: what it may end comes first.
    if (repeats_ && !call_.limited) [[unlikely]] {
      push_shuffled();
    } else {
      for (std::size_t i = 0; i < call_.n; ++i) {
        push(i);
      }
    }
  }
  void push(std::size_t i) noexcept {
    const select_op& op = call_.ops[i];
    if (op.channel != nullptr) {
      wait::push_back(op.sends ? op.channel->senders : op.channel->receivers, waiters_[i]);
    }
  }
  // In an order of which each is as likely as another. Source: Fisher and Yates.
  [[gnu::noinline]] void push_shuffled() noexcept {
    for (std::size_t i = 0; i < call_.n; ++i) {
      order_[i] = i;
    }
    for (std::size_t n = call_.n; n > 0; --n) {
      std::size_t& drawn = order_[sched::random_below(static_cast<std::uint32_t>(n))];
      push(std::exchange(drawn, order_[n - 1]));
    }
  }

  // A send or receive that a time or a stop may end shows as what it is.
  bool is_one_operation() const noexcept { return call_.n == 1 || call_.limited; }
  wait_reason reason() const noexcept {
    if (call_.n == 0) {
      return wait_reason::select_no_cases;
    }
    if (is_one_operation()) {
      return call_.ops[0].sends ? wait_reason::chan_send : wait_reason::chan_receive;
    }
    return wait_reason::select;
  }
  const void* object() noexcept {
    return is_one_operation() ? call_.ops[0].channel : count_ > 0 ? channels_[0] : nullptr;
  }

  // P6: all but the winner leave their queues.
  void withdraw(const waiter* winner) noexcept {
    for (std::size_t i = 0; i < call_.n; ++i) {
      const select_op& op = call_.ops[i];
      if (op.channel == nullptr || &waiters_[i] == winner) {
        continue;
      }
      op.channel->guard.lock();
      wait::remove(op.sends ? op.channel->senders : op.channel->receivers, waiters_[i]);
      op.channel->guard.unlock();  // P7
    }
  }

  const select_call& call_;
  std::size_t count_ = 0;  // channels, each once
  bool repeats_ = false;   // one stands in several cases
  short_array<chan_core*> channels_;
  short_array<held_lock> held_;
  short_array<waiter> waiters_;
  short_array<std::size_t> order_{0};  // for push_shuffled()
};

}  // namespace

std::size_t chan_select(const select_call& call) {
  if (call.blocks) {
    detail::cond_resched();
  }
  if (bubbles.load(std::memory_order_relaxed) != 0) [[unlikely]] {  // relaxed: see time_now()
    for (std::size_t c = 0; c < call.n; ++c) {
      if (const chan_core* const of = call.ops[c].channel) {
        detail::check_bubble(*of, channel_use::select);
      }
    }
  }
  const std::size_t i = draw(call);
  if (i != call.n) {
    select_op& op = call.ops[i];
    fiber* woken = nullptr;
    op.channel->guard.lock();
    const attempt_result result = attempt(*op.channel, op.way(), op.value, &woken);
    op.channel->guard.unlock();  // P7
    if (woken != nullptr) {
      sched::ready(woken);  // P5
    }
    if (result != attempt_result::blocked) {
      return chosen(call, i, result == attempt_result::done);
    }
  }
  base::stress_point();
  if (call.until != no_deadline) {
    sched::prepare_deadline();
  }
  return locked_select(call)();
}

}  // namespace gossamer::inline v0::detail
