// fiber_local: a variable of which each fiber has its own, as each thread has its own thread_local.
#pragma once

#include <cstdlib>
#include <optional>
#include <type_traits>
#include <utility>

#include "detail/invoke.hpp"
#include "detail/local.hpp"
#include "detail/owner.hpp"

namespace gossamer::inline v0 {

// To be declared at namespace scope or static, and never destroyed while fibers use it. Constant-initialised where T's
// initial value is, so that it may be used before main.
//
//   fiber_local<int> depth;                                      // 0 in each fiber
//   fiber_local<std::string> user{"nobody"};                     // a copy of the initial value
//   fiber_local<logger> log{[] { return logger(stderr); }};      // what the function returns (it captures nothing)
//   ++*depth; user->size();
//
// A fiber's value is made at its first use in that fiber and destroyed when the fiber ends: after its function has
// returned or left by runtime::goexit(), and before run() returns where it is main's. The value that was made last is
// destroyed first. A destructor may block and use other fiber_locals: one whose value has gone already is made anew
// (two that revive each other go on for ever). Fibers that are abandoned when main returns do not run, and so destroy
// nothing. A plain thread has values of its own, destroyed when it ends.
//
// References stay good as long as the fiber lives, wherever it runs; other fibers may use them. A fiber that uses none
// pays nothing. At most 4,096 of them may be used in one process; a further one panics.
template <class T>
class fiber_local {
  static_assert(std::is_object_v<T> && !std::is_const_v<T> && !std::is_array_v<T>);

 public:
  using value_type = T;

  // Each fiber's value is T().
  constexpr fiber_local() noexcept
    requires(std::is_default_constructible_v<T>)
  = default;
  // Each fiber's value is a copy of `initial`.
  template <class U = T>
    requires(std::is_convertible_v<U, T> && std::is_copy_constructible_v<T> && !std::is_convertible_v<U, T (*)()>)
  constexpr explicit fiber_local(U&& initial) : initial_(std::forward<U>(initial)) {}
  // Each fiber's value is what make() returns; called in that fiber, it may block.
  template <class F>
    requires(std::is_convertible_v<F, T (*)()>)
  constexpr explicit fiber_local(F make) : make_(make) {}
  fiber_local(const fiber_local&) = delete;
  fiber_local& operator=(const fiber_local&) = delete;

  // The calling fiber's (or thread's) value. Throws what making it throws, and std::bad_alloc.
  T& operator*() const {
    detail::local_value* const found = detail::local_find(key_);
    return static_cast<holder*>(found != nullptr ? found : make())->value;
  }
  T* operator->() const { return detail::address_of(**this); }

 private:
  struct holder : detail::local_value {
    template <class Make>
    explicit holder(const Make& make) : local_value(&destroy_it), value(make()) {}
    static void destroy_it(detail::local_value* v) noexcept { delete static_cast<holder*>(v); }
    T value;
  };

  // Out of line: the first use only.
  [[gnu::noinline]] detail::local_value* make() const {
    detail::owner<holder> made(new holder([this]() -> T {
      if constexpr (std::is_copy_constructible_v<T>) {
        if (initial_) {
          return *initial_;
        }
      }
      if (make_ != nullptr) {
        return make_();
      }
      if constexpr (std::is_default_constructible_v<T>) {
        return T();
      }
      std::abort();  // no constructor of ours leads here
    }));
    detail::local_add(key_, made.get());
    return made.release();
  }

  mutable detail::local_key key_{0};
  T (*make_)() = nullptr;
  struct nothing {};
  std::optional<std::conditional_t<std::is_copy_constructible_v<T>, T, nothing>> initial_;
};

}  // namespace gossamer::inline v0
