// wait_group: waits until as many calls have ended as were announced.
//
//   sync::wait_group wg;
//   for (int& result : results) wg.go([&result] { result = compute(); });
//   wg.wait();
//
// Source: Go sync.WaitGroup. Differs: count and "someone waits" share one word, which also guards the waiters, so that
// an add() beside a wait() at zero is no misuse that must be told apart.
#pragma once

#include <concepts>
#include <cstdint>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

#include "../detail/chrono.hpp"
#include "../detail/config.hpp"
#include "../detail/misuse.hpp"
#include "../detail/spawn.hpp"
#include "../detail/spin_lock.hpp"
#include "../detail/wait_list.hpp"
#include "../limit.hpp"

namespace gossamer::inline v0::sync {

// Every done() that led to zero happens-before the wait() that it lets return. May be used again once wait has
// returned; may be destroyed as soon as a wait has, if no other is in progress. Usable in globals before main().
class GOSSAMER_API wait_group {
 public:
  constexpr wait_group() noexcept = default;
  wait_group(const wait_group&) = delete;
  wait_group& operator=(const wait_group&) = delete;

  // Adds n, which may be negative; at zero all waiters return. Panics with `sync: negative WaitGroup counter` if the
  // count would fall below zero or exceed 2^31 - 1, and leaves it as it was.
  void add(int n = 1);
  void done() { add(-1); }

  // Counts one, and starts a fiber that calls f(args...), as gossamer::go does; done() once f has returned and it and
  // its arguments are destroyed. An exception that leaves f ends the process, and nobody's wait before that.
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
  [[gnu::always_inline]] inline void go(F&& f, Args&&... args) {
    if (detail::is_nil_function(f)) {
      detail::fatal_nil_function();
    }
    using call = counted_call<std::decay_t<F>, std::decay_t<Args>...>;
    add(1);
    call made = [&] {
      one_count mine(this);  // is given back if a copy throws
      if constexpr (sizeof...(Args) == 0) {
        return call{std::move(mine), {std::forward<F>(f)}};
      } else {
        return call{std::move(mine), {{std::forward<F>(f), std::forward<Args>(args)...}}};
      }
    }();
    detail::spawn_closure(detail::spawn_begin(0), std::move(made));
  }
  // Does not fit.
  template <class F, class... Args>
    requires(!detail::starts<F, Args...>)
  void go(F&&, Args&&...) {
    detail::check_starts<F, Args...>();
  }

  // Blocks until the count is zero.
  void wait(std::source_location where = std::source_location::current()) {
    // acquire: pairs with the release in add().
    if (word_.load(std::memory_order_acquire) != 0) {
      wait_contended({}, where);
    }
  }
  // Blocks until the count is zero (true) or the limit has come (false): a time, a stop, or both (see ../limit.hpp).
  // True if both are so already. Throws std::bad_alloc where there is no memory for a deadline's timer.
  bool wait_until(wait::limit limit, std::source_location where = std::source_location::current()) {
    return wait_contended(limit, where);
  }
  template <class Rep, class Period>
  bool wait_for(std::chrono::duration<Rep, Period> d, std::source_location where = std::source_location::current()) {
    return wait_contended(d, where);
  }

 private:
  // A count that was added, and is given back with its owner.
  class one_count {
   public:
    explicit one_count(wait_group* of) noexcept : of_(of) {}
    one_count(one_count&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    one_count& operator=(one_count&&) = delete;
    ~one_count() {
      if (of_ != nullptr) {
        of_->done();
      }
    }
    void keep() noexcept { of_ = nullptr; }

   private:
    wait_group* of_;
  };

  template <class F, class... Args>
  struct counted_call {
    one_count count;  // first: it outlives what the call holds
    detail::closure<F, Args...> call;

    void operator()() {
      detail::call_awaited(call, [this] { count.keep(); });
    }
  };

  // word_ = count << 32 | number of the bubble that has added << 2 | waiting | guarded. A count of 0 has no bubble.
  // While `guarded` is set only the one who set it changes the word, and owns waiters_. While it is clear: waiting ==
  // !waiters_.empty(), and waiting implies count > 0.
  static constexpr std::uint64_t guarded = 1;
  static constexpr std::uint64_t waiting = 2;

  void release_waiters() noexcept;
  bool wait_contended(wait::limit limit, std::source_location where);
  void withdraw(detail::waiter& w) noexcept;

  detail::lock_word word_{0};
  detail::wait_list waiters_;
};

}  // namespace gossamer::inline v0::sync
