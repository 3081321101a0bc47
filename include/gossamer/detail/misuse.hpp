// misuse: how a call that does not compile says so. Beside the overloads that fit stands one that takes everything
// else, and whose body is a static_assert: its text is the error's, in words, and its condition is one of the names
// below, which is false and shows the types: `chan_carries<int>::not_a<std::string>`. Without it a compiler lists each
// overload that did not fit, and each of the standard library's for an operator.
// Such a call is no longer a substitution failure: a `requires` that asks for it is true.
#pragma once

#include <type_traits>

namespace gossamer::inline v0::detail {

// Of chan<T>, and of its ends.
template <class T>
struct chan_carries {
  template <class V>
  static constexpr bool not_a = false;
};
template <class End>
struct end_of_channel {
  static constexpr bool only_receives = false;
  static constexpr bool only_sends = false;
};
template <class End>
constexpr void check_sends() noexcept {
  static_assert(end_of_channel<End>::only_receives,
                "a recv_chan only receives: what sends and closes is the chan, or its send_chan");
}
template <class End>
constexpr void check_receives() noexcept {
  static_assert(end_of_channel<End>::only_sends, "a send_chan only sends: what receives is the chan, or its recv_chan");
}

template <class T>
constexpr void check_value_given() noexcept {
  static_assert(chan_carries<T>::template not_a<void>, "a send needs a value: only chan<void> carries none");
}

// Of the callable F.
template <class F>
struct callable {
  template <class... Args>
  static constexpr bool cannot_be_called_with = false;
  template <class... Args>
  static constexpr bool is_called_without = false;
  template <class R>
  static constexpr bool returns_wrongly = false;
};

// Of any type.
template <class T>
struct type {
  static constexpr bool is_no_duration = false;
  static constexpr bool is_no_case = false;
  static constexpr bool is_no_bool = false;
  static constexpr bool is_no_integer = false;
  static constexpr bool has_no_text = false;
  static constexpr bool has_no_default = false;
};

// Whether go() can call a copy of f with copies of the arguments; if not, whether only a reference is in the way.
template <class F, class... Args>
concept starts = std::is_invocable_v<std::decay_t<F>, std::decay_t<Args>...>;
template <class F, class... Args>
concept refers_to_arguments = !starts<F, Args...> && std::is_invocable_v<std::decay_t<F>&, std::decay_t<Args>&...>;

// The error of a go() that does not fit.
template <class F, class... Args>
constexpr void check_starts() noexcept {
  if constexpr (refers_to_arguments<F, Args...>) {
    static_assert(
        callable<std::decay_t<F>>::template cannot_be_called_with<std::decay_t<Args>...>,
        "go: f gets copies of the arguments, and a parameter is a reference: pass std::ref(v), or capture it");
  } else {
    static_assert(callable<std::decay_t<F>>::template cannot_be_called_with<std::decay_t<Args>...>,
                  "go: f cannot be called with these arguments");
  }
}

// The error of a function that is called without arguments, and cannot be.
template <class F, class... Args>
constexpr void check_called() noexcept {
  if constexpr (std::is_invocable_v<std::decay_t<F>&>) {
    static_assert(callable<std::decay_t<F>>::template is_called_without<Args...>,
                  "the function is called without arguments: what it needs, a lambda captures");
  } else {
    static_assert(callable<std::decay_t<F>>::template cannot_be_called_with<>,
                  "the function is called without arguments, and cannot be: what it needs, a lambda captures");
  }
}

// The error of a number where a time is wanted.
template <class T>
constexpr void check_duration() noexcept {
  static_assert(type<T>::is_no_duration, "a number is no time: give it a unit, as in 5s or std::chrono::seconds(5)");
}

// What stands for a function or a value that was not made, so that the sentence is the only error.
struct no_function {
  template <class... Args>
  void operator()(Args&&...) const {}
};
struct no_value {
  template <class T>
  operator T() const;
};

}  // namespace gossamer::inline v0::detail
