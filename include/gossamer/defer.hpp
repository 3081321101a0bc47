// defer: clean-up at the end of a scope; func: a function with Go's defers, which recover, survive goexit, change
// results and pile up in loops.
// Source: Go's defer and recover. Differs: a plain `defer` belongs to its scope, not to its function.
#pragma once

#include <concepts>
#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "detail/config.hpp"
#include "detail/deferred_call.hpp"
#include "detail/invoke.hpp"
#include "detail/misuse.hpp"
#include "detail/trace_reference.hpp"
#include "panic.hpp"

namespace gossamer::inline v0 {

namespace detail {

// In a catch: a deferred call threw while an exception was on its way. Ends the process with the fatal report.
[[noreturn]] GOSSAMER_API void panicked_while_unwinding() noexcept;

}  // namespace detail

// `defer d1{[&] { f(); }};` calls it when the scope ends, however it ends: return, exception, goexit. In a scope they
// run last in, first out. What it throws leaves the scope; during unwinding it ends the process with a fatal report.
// That names both exceptions, if the first was about to leave the fiber or a func(); where a `catch` was about to take
// it, nothing tells which one it is, and the report names the second alone.
template <class F>
class [[nodiscard("a defer without a name is called at once: `defer d1{[&] { … }};`")]] defer {
 public:
  explicit defer(F f) : f_(std::move(f)), uncaught_(std::uncaught_exceptions()) {}
  defer(const defer&) = delete;
  defer& operator=(const defer&) = delete;
  // Does not fit.
  template <class... Args>
    requires(sizeof...(Args) > 0)
  defer(F f, Args&&...) : f_(std::move(f)), uncaught_(0) {
    static_assert(detail::callable<F>::template is_called_without<Args...>,
                  "defer takes no arguments: what the function needs, a lambda captures");
  }
  ~defer() noexcept(false) {
    if constexpr (!std::invocable<F&>) {
      detail::check_called<F>();
    } else {
      run();
    }
  }

 private:
  void run() {
    if (std::uncaught_exceptions() == uncaught_) {
      f_();
      return;
    }
    try {
      f_();
    } catch (...) {
      detail::panicked_while_unwinding();
    }
  }

  F f_;
  int uncaught_;
};

// The defers of one call of func(). Used by that call alone: its body and what it has deferred.
//
// They run when the body has returned, so its variables are gone: what a deferred call refers to must stand outside.
//
//   auto n = 0;                                  // not in the body
//   func([&](defers& defer) {
//     defer([&] { log(n); });                    // and not: int n = 0; defer([&] { log(n); });
//     auto file = open();
//     defer([file] { file.close(); });           // or a copy
//   });
class GOSSAMER_API defers {
 public:
  defers() noexcept = default;
  ~defers() = default;
  defers(const defers&) = delete;
  defers& operator=(const defers&) = delete;

  // f is called when func() ends: after the body has returned, panicked or called goexit; last in, first out.
  // Panics if f is trivially copyable (it captures references, pointers, numbers) and refers to a variable of the body,
  // or of a function that the body has called: that will be gone. With clang, and where f holds anything else as well,
  // nobody looks.
  template <std::invocable F>
  void operator()(F&& f) {
#if __has_builtin(__builtin_clear_padding)
    using closure = std::decay_t<F>;
    if constexpr (std::is_trivially_copyable_v<closure> && std::is_class_v<closure> &&
                  alignof(closure) == alignof(void*)) {
      closure copy = f;
      __builtin_clear_padding(&copy);  // which may have held such a reference
      check_references(&copy, sizeof copy);
    }
#endif
    calls_.emplace_back(std::forward<F>(f));
  }
  // Does not fit.
  template <class F, class... Args>
    requires(!std::invocable<F> || sizeof...(Args) > 0)
  void operator()(F&&, Args&&...) {
    detail::check_called<F, Args...>();
  }

  // In a deferred call: ends the panic that is on its way, and returns it; func() then returns normally, to its caller.
  // Empty if there is none. An exception of another kind is a panic here: its text is what(), its value a
  // std::exception_ptr. goexit cannot be recovered.
  std::optional<panic_error> recover();

  // For func(): calls body(argument) and keeps what leaves it.
  void call(void (*body)(void*), void* argument);
  // For func(): runs them all; throws what is then on its way.
  void finish();

 private:
  void catch_body();
  void run_all();
  void note_thrown(detail::trace_reference site);
  void note_panic(const panic_error& p, detail::trace_reference site);
  void give_up_exit() noexcept;
  void resume_exit(detail::panic_payload& p);
  void check_references(const void* f, std::size_t bytes) const;

  std::vector<detail::deferred_call> calls_;
  std::exception_ptr panic_;             // on its way
  std::exception_ptr recovered_;         // by the deferred call that is running
  std::exception_ptr exit_;              // goexit is on its way
  detail::trace_reference site_;         // where panic_ was thrown; null where that is not known
  const void* callers_frame_ = nullptr;  // of what calls the body, or a deferred call
};

namespace detail {

template <class Body>
void with_defers(defers& d, Body&& body) {
  d.call([](void* b) { (*static_cast<std::remove_reference_t<Body>*>(b))(); }, detail::address_of(body));
  d.finish();
}

}  // namespace detail

// Calls body(defers&), then what it deferred, outside of any unwinding, and returns what it returned. If a panic was
// recovered the result is R(). An exception that was not recovered leaves func() when the defers have run; one that a
// deferred call throws takes the place of the one before, which stands before it in the report.
//
//   func([&](defers& defer) {
//     defer([&] { if (auto p = defer.recover()) log(p->text()); });
//     …
//   });
template <class F>
  requires std::invocable<F&, defers&>
auto func(F&& body) -> std::invoke_result_t<F&, defers&> {
  using result = std::invoke_result_t<F&, defers&>;
  defers d;
  if constexpr (std::is_void_v<result>) {
    detail::with_defers(d, [&] { body(d); });
  } else {
    std::optional<result> r;
    detail::with_defers(d, [&] { r.emplace(body(d)); });
    return r ? std::move(*r) : result();
  }
}

// Does not fit.
template <class F>
  requires(!std::invocable<F&, defers&>)
detail::no_value func(F&&) {
  static_assert(detail::callable<std::decay_t<F>>::template cannot_be_called_with<defers&>,
                "the body of a func() is called with its defers: func([&](defers& defer) { … })");
  return {};
}

// Go's named result: body(defers&, R& result) sets it, and deferred calls may change it, after a panic too.
//
//   int n = func<int>([&](defers& defer, int& result) { defer([&] { ++result; }); result = 1; });  // 2
template <class R, class F>
  requires std::invocable<F&, defers&, R&>
R func(F&& body) {
  defers d;
  R result{};
  detail::with_defers(d, [&] { body(d, result); });
  return result;
}

}  // namespace gossamer::inline v0
