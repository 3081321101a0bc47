// once: a call that is made once, whoever comes first; and functions that are.
// Source: Go sync.Once, OnceFunc, OnceValue, OnceValues. Differs: one word says how far the call is and who waits for
// it, and guards the waiters.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

#include "../detail/config.hpp"
#include "../detail/counted.hpp"
#include "../detail/invoke.hpp"
#include "../detail/misuse.hpp"
#include "../detail/spin_lock.hpp"
#include "../detail/thrown.hpp"
#include "../detail/wait_list.hpp"
#include "../limit.hpp"
#include "../panic.hpp"

namespace gossamer::inline v0::sync {

// once: do_(f) calls f if it is the first; every other waits until that call is over. What it did happens-before every
// do_() returns. A call that ends in an exception is over too. f must not call do_() of the same once: it would wait
// for itself. Usable in globals before main(). May be destroyed as soon as a do_() has returned, if no other is in
// progress. A call whose fiber was abandoned when main returned is never over: the first do_() of a later run() makes
// its own in its place.
class GOSSAMER_API once {
 public:
  constexpr once() noexcept = default;
  once(const once&) = delete;
  once& operator=(const once&) = delete;

  template <class F>
    requires std::invocable<F>
  void do_(F&& f, std::source_location where = std::source_location::current()) {
    // acquire: pairs with the release in finish().
    if (word_.load(std::memory_order_acquire) == over || begin({}, where) != to_call) [[likely]] {
      return;
    }
    make(std::forward<F>(f));
  }
  // The same, but waits for another's call only until the limit has come (a time, a stop, or both: see ../limit.hpp):
  // true if the call is over, also where it is both; false if it was not. f, once begun, is not cut short. Throws
  // std::bad_alloc where there is no memory for a deadline's timer.
  template <class F>
    requires std::invocable<F>
  bool do_until(wait::limit limit, F&& f, std::source_location where = std::source_location::current()) {
    // acquire: pairs with the release in finish().
    if (word_.load(std::memory_order_acquire) != over) {
      if (const turn mine = begin(limit, where); mine != to_call) {
        return mine == made;
      }
      make(std::forward<F>(f));
    }
    return true;
  }
  // Do not fit.
  template <class F>
    requires(!std::invocable<F>)
  void do_(F&&, std::source_location = {}) {
    detail::check_called<F>();
  }
  template <class F>
    requires(!std::invocable<F>)
  bool do_until(const wait::stop&, F&&, std::source_location = {}) {
    detail::check_called<F>();
    return false;
  }

 private:
  // word_: not begun (0), running or over; and who waits. With `running`, above run_shift: the run number of the one
  // who makes the call. While `guarded` is set only the one who set it changes the word, and owns waiters_. While it is
  // clear: waiting == !waiters_.empty(), and waiting implies running.
  static constexpr std::uint64_t guarded = 1;
  static constexpr std::uint64_t waiting = 2;
  static constexpr std::uint64_t running = 4;
  static constexpr std::uint64_t over = 8;
  static constexpr int run_shift = 32;

  enum turn : std::uint8_t { to_call, made, stopped };
  // to_call for the one caller that is to make the call, and then finish(); the others return once it has, or their
  // limit has come: stopped.
  turn begin(wait::limit limit, std::source_location where);
  void finish() noexcept;
  void withdraw(detail::waiter& self) noexcept;
  template <class F>
  void make(F&& f) {
    struct ends {
      once& it;
      ~ends() { it.finish(); }
    } end{*this};
    detail::invoke(std::forward<F>(f));
  }

  detail::lock_word word_{0};
  detail::wait_list waiters_;
};

namespace once_detail {

struct nothing {};

// What the copies of a once function share.
template <class F>
class call : public detail::counted {
 public:
  using returned = std::decay_t<std::invoke_result_t<F>>;
  using result = std::conditional_t<std::is_void_v<returned>, nothing, returned>;

  template <class G>
  explicit call(std::in_place_t, G&& f) : f_(std::forward<G>(f)) {}

  const result& operator()(const std::source_location& where) {
    once_.do_([this] { make(); }, where);
    return outcome();
  }
  const result* until(wait::limit limit, const std::source_location& where) {
    return once_.do_until(limit, [this] { make(); }, where) ? &outcome() : nullptr;
  }

 private:
  const result& outcome() const {
    if (failure_) {
      failure_.again();
    }
    if (!result_) {
      panic(nullptr);  // the call has ended in goexit
    }
    return *result_;
  }
  void make() {
    struct drops {
      std::optional<F>& f;
      ~drops() { f.reset(); }
    } const at_end{f_};
    failure_.keep_from([this] {
      if constexpr (std::is_void_v<returned>) {
        detail::invoke(std::move(*f_));
        result_.emplace();
      } else {
        result_.emplace(detail::invoke(std::move(*f_)));
      }
    });
  }

  once once_;
  std::optional<F> f_;
  std::optional<result> result_;
  detail::thrown failure_;
};

}  // namespace once_detail

// What once_func() returns.
template <class F>
class once_function {
 public:
  explicit once_function(detail::reference<once_detail::call<F>> its) noexcept : its_(std::move(its)) {}
  void operator()(std::source_location where = std::source_location::current()) const { (*its_)(where); }
  // The same, but waits for another's call only until the limit has come: true if the call is over, false if it is not.
  bool until(wait::limit limit, std::source_location where = std::source_location::current()) const {
    return its_->until(limit, where) != nullptr;
  }

 private:
  detail::reference<once_detail::call<F>> its_;
};
// What once_value() and once_values() return.
template <class F>
class once_result {
 public:
  using value_type = typename once_detail::call<F>::result;
  explicit once_result(detail::reference<once_detail::call<F>> its) noexcept : its_(std::move(its)) {}
  const value_type& operator()(std::source_location where = std::source_location::current()) const {
    return (*its_)(where);
  }
  // The same, but waits for another's call only until the limit has come: null if the call is not over then.
  const value_type* until(wait::limit limit, std::source_location where = std::source_location::current()) const {
    return its_->until(limit, where);
  }

 private:
  detail::reference<once_detail::call<F>> its_;
};

// A function that calls f the first time that it is called, and then no more. All callers return once that call is
// over; if it ended in an exception, they all end in that one (the same object; the report has the frames that threw it
// first). If it ended in goexit, that of its caller, all others panic with `runtime error: panic called with nil
// argument`, as in Go. f is destroyed after its call. The function may be copied, and its copies called from anywhere
// at once.
template <class F>
  requires std::invocable<std::decay_t<F>>
[[nodiscard]] once_function<std::decay_t<F>> once_func(F&& f) {
  using call = once_detail::call<std::decay_t<F>>;
  return once_function(detail::reference<call>(new call(std::in_place, std::forward<F>(f))));
}

// The same for an f that returns a value: every call returns it, by a reference that is good as long as a copy of the
// function lives.
template <class F>
  requires(std::invocable<std::decay_t<F>> && !std::is_void_v<std::invoke_result_t<std::decay_t<F>>>)
[[nodiscard]] once_result<std::decay_t<F>> once_value(F&& f) {
  using call = once_detail::call<std::decay_t<F>>;
  return once_result(detail::reference<call>(new call(std::in_place, std::forward<F>(f))));
}

// The same for several values, which f returns as a pair or tuple: auto [v, err] = get();
template <class F>
  requires(std::tuple_size<typename once_detail::call<std::decay_t<F>>::result>::value > 1)
[[nodiscard]] auto once_values(F&& f) {
  return once_value(std::forward<F>(f));
}

// Do not fit.
template <class F, class... Args>
  requires(sizeof...(Args) > 0 || !std::invocable<std::decay_t<F>>)
detail::no_function once_func(F&&, Args&&...) {
  detail::check_called<F, Args...>();
  return {};
}
template <class F, class... Args>
  requires(sizeof...(Args) > 0 || !std::invocable<std::decay_t<F>>)
detail::no_function once_value(F&&, Args&&...) {
  detail::check_called<F, Args...>();
  return {};
}
template <class F>
  requires std::is_void_v<std::invoke_result_t<std::decay_t<F>>>
detail::no_function once_value(F&&) {
  static_assert(detail::callable<std::decay_t<F>>::template returns_wrongly<void>,
                "the function returns no value to keep: that is a once_func");
  return {};
}

}  // namespace gossamer::inline v0::sync
