// function: a function without parameters, as a value. As a func in Go it is a reference: its copies call the same
// object, which ends with the last of them. nil where it was made of nullptr, an empty std::function or a null pointer.
// std::function would cost all who include it <functional>.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "config.hpp"
#include "counted.hpp"
#include "invoke.hpp"
#include "runtime_error.hpp"
#include "spawn.hpp"

namespace gossamer::inline v0::detail {

template <class R>
class function {
 public:
  constexpr function() noexcept = default;
  constexpr function(std::nullptr_t) noexcept {}
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, function> && std::is_invocable_r_v<R, std::decay_t<F>&>)
  function(F&& f) {
    if (!is_nil_function(f)) {
      it_ = reference<callable>(new holder<std::decay_t<F>>(std::forward<F>(f)));
    }
  }

  // Of nil it panics with Go's text.
  R operator()() const {
    if (!it_) {
      call_of_nil();
    }
    return it_->call();
  }
  explicit operator bool() const noexcept { return static_cast<bool>(it_); }
  friend bool operator==(const function& f, std::nullptr_t) noexcept { return !f; }

 private:
  struct callable : counted {
    virtual R call() = 0;
  };
  template <class F>
  struct holder final : callable {
    template <class G>
    explicit holder(G&& g) : f(std::forward<G>(g)) {}
    R call() override { return static_cast<R>(detail::invoke(f)); }
    F f;
  };

  reference<callable> it_;
};

}  // namespace gossamer::inline v0::detail
