// errgroup: fibers that work on parts of one task: the first error counts, and cancels the others.
// Source: golang.org/x/sync/errgroup. As there, a task's panic is not the group's business: it ends the process at
// once, as that of any fiber does, though nobody waits and others are at work.
//
//   auto [g, ctx] = errgroup::with_context(parent);
//   for (const auto& url : urls) g.go([=]() -> error { return fetch(ctx, url); });
//   if (error err = g.wait()) return err;
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <source_location>
#include <type_traits>
#include <utility>

#include "chan.hpp"
#include "context.hpp"
#include "detail/config.hpp"
#include "detail/invoke.hpp"
#include "detail/misuse.hpp"
#include "detail/spawn.hpp"
#include "error.hpp"
#include "limit.hpp"
#include "sync/wait_group.hpp"

namespace gossamer::inline v0 {

namespace detail {

// What the copies of a group share, with its tasks.
struct GOSSAMER_API errgroup_core {
  std::atomic<std::uint32_t> handles{1};
  std::atomic<bool> failed{false};  // somebody has set, or is about to set, what follows
  error err;
  context::cancel_cause_func cancel;  // nil: no context
  sync::wait_group running;
  chan<void> slots;  // nil: no limit. A value in it is a task that runs

  void fail(error e);
  // A task is over.
  void finish() noexcept;
  error wait(const std::source_location& where);
  bool wait_until(wait::limit limit, error& result, const std::source_location& where);
  error end();  // all tasks are over
  void set_limit(int n);
  static void release(errgroup_core* c) noexcept;
};

// One counted reference.
class errgroup_handle {
 public:
  explicit errgroup_handle(errgroup_core* c) noexcept : core_(c) {}
  errgroup_handle(const errgroup_handle& other) noexcept : core_(other.core_) {
    if (core_ != nullptr) {
      core_->handles.fetch_add(1, std::memory_order_relaxed);  // relaxed: `other` holds it
    }
  }
  errgroup_handle(errgroup_handle&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  errgroup_handle& operator=(errgroup_handle other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~errgroup_handle() {
    if (core_ != nullptr) {
      errgroup_core::release(core_);
    }
  }
  errgroup_core* get() const noexcept { return core_; }
  errgroup_core* operator->() const noexcept { return core_; }
  // The reference stays counted.
  void leak() noexcept { core_ = nullptr; }

 private:
  errgroup_core* core_;
};

// A task that was counted, and is over with its owner.
class errgroup_place {
 public:
  explicit errgroup_place(const errgroup_handle& of) : of_(of) { of_->running.add(1); }
  errgroup_place(errgroup_place&&) noexcept = default;
  errgroup_place& operator=(errgroup_place&&) = delete;
  ~errgroup_place() {
    if (of_.get() != nullptr) {
      of_->finish();
    }
  }
  errgroup_core* operator->() const noexcept { return of_.get(); }
  // It is never over.
  void keep() noexcept { errgroup_handle(std::move(of_)).leak(); }

 private:
  errgroup_handle of_;
};

// A task in its fiber.
template <class F>
struct errgroup_task {
  errgroup_place group;  // first: it outlives what f holds
  F f;

  void operator()() {
    const auto call = [this] {
      if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
        detail::invoke(f);
      } else if (error e = detail::invoke(f)) {
        group->fail(std::move(e));
      }
    };
    call_awaited(call, [this] { group.keep(); });
  }
};

}  // namespace detail

namespace errgroup {

// A task: it returns an error, or nothing.
template <class F>
concept task = std::invocable<F&> &&
               (std::is_void_v<std::invoke_result_t<F&>> || std::convertible_to<std::invoke_result_t<F&>, error>);

// The error of a task that is none.
template <class F>
constexpr void check_task() noexcept {
  if constexpr (std::invocable<std::decay_t<F>&>) {
    static_assert(detail::callable<std::decay_t<F>>::template returns_wrongly<std::invoke_result_t<std::decay_t<F>&>>,
                  "a task of an errgroup returns an error, or nothing");
  } else {
    detail::check_called<F>();
  }
}

// group: a handle; copies are the same group. One that is made by itself has no limit, and cancels nothing.
// From a fiber or a plain thread.
class GOSSAMER_API group {
 public:
  group() : core_(new detail::errgroup_core) {}

  // Starts f() in a fiber; where there is a limit, once fewer tasks than that are at work. The first error of a task
  // cancels the context, as its cause, and is what wait() returns. A panic ends the process at once. A task that calls
  // goexit has no error. f is copied (or moved) before this returns.
  template <class F>
    requires task<std::decay_t<F>>
  [[gnu::always_inline]] inline void go(F&& f, std::source_location where = std::source_location::current()) const {
    if (core_->slots) {
      core_->slots.send(where);
    }
    start(std::forward<F>(f));
  }

  // The same if it can be started at once: true; otherwise false.
  template <class F>
    requires task<std::decay_t<F>>
  [[gnu::always_inline]] inline bool try_go(F&& f) const {
    if (core_->slots && !take_slot()) {
      return false;
    }
    start(std::forward<F>(f));
    return true;
  }

  // As go(), but waits for its turn only until the limit has come (a time, a stop, or both: see limit.hpp): true if f
  // was started, false if it was not. Where there is a place at once f is started, whatever the limit.
  template <class F>
    requires task<std::decay_t<F>>
  [[gnu::always_inline]] inline bool go_until(wait::limit limit, F&& f,
                                              std::source_location where = std::source_location::current()) const {
    if (core_->slots && !wait_for_slot(limit, where)) {
      return false;
    }
    start(std::forward<F>(f));
    return true;
  }

  // Do not fit.
  template <class F>
    requires(!task<std::decay_t<F>>)
  void go(F&&, std::source_location = {}) const {
    check_task<F>();
  }
  template <class F>
    requires(!task<std::decay_t<F>>)
  bool try_go(F&&) const {
    check_task<F>();
    return false;
  }
  template <class F>
    requires(!task<std::decay_t<F>>)
  bool go_until(const wait::stop&, F&&, std::source_location = {}) const {
    check_task<F>();
    return false;
  }

  // No more than n tasks at the same time from here on; none at all where n is 0, and no limit where it is negative.
  // Not beside go(). Panics with `errgroup: modify limit while N fibers in the group are still active`.
  void set_limit(int n) const { core_->set_limit(n); }

  // Blocks until all tasks are over; cancels the context; returns the first error.
  error wait(std::source_location where = std::source_location::current()) const { return core_->wait(where); }

  // As wait(), until the limit has come: true if all tasks are over (err is then what wait() returns, and the context
  // is cancelled), false if they are not: they go on, and so does the context, and err is as it was.
  bool wait_until(wait::limit limit, error& err, std::source_location where = std::source_location::current()) const {
    return core_->wait_until(limit, err, where);
  }

  friend bool operator==(const group& a, const group& b) noexcept { return a.core_.get() == b.core_.get(); }

 private:
  friend std::pair<group, context::context> with_context(const context::context& ctx);

  bool take_slot() const;
  bool wait_for_slot(wait::limit limit, const std::source_location& where) const;
  template <class F>
  [[gnu::always_inline]] inline void start(F&& f) const {
    if (detail::is_nil_function(f)) {
      detail::fatal_nil_function();
    }
    // The place is given back where f cannot be copied, or there is no memory for the fiber.
    detail::errgroup_task<std::decay_t<F>> made{detail::errgroup_place(core_), std::forward<F>(f)};
    detail::spawn_closure(detail::spawn_begin(0), std::move(made));
  }

  detail::errgroup_handle core_;
};

// A group and its context, a child of ctx: cancelled by the first error of a task, with that as its cause, or when
// wait() returns.
[[nodiscard]] GOSSAMER_API std::pair<group, context::context> with_context(const context::context& ctx);

}  // namespace errgroup

}  // namespace gossamer::inline v0
